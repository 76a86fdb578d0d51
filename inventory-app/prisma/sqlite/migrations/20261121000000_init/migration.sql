-- CreateTable
CREATE TABLE "Store" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "timeZone" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1
);

-- CreateTable
CREATE TABLE "Category" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "parentId" TEXT,
    "search" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1
);

-- CreateTable
CREATE TABLE "Product" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "sku" TEXT NOT NULL,
    "barcode" TEXT,
    "name" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "price" BIGINT NOT NULL,
    "cost" BIGINT NOT NULL,
    "reorderLevel" INTEGER NOT NULL,
    "categoryId" TEXT,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "search" TEXT NOT NULL,
    "createdAt" TEXT NOT NULL,
    "updatedAt" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1
);

-- CreateTable
CREATE TABLE "Customer" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "code" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "country" TEXT,
    "phone" TEXT,
    "email" TEXT,
    "storeId" TEXT,
    "search" TEXT NOT NULL,
    "createdAt" TEXT NOT NULL,
    "updatedAt" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1
);

-- CreateTable
CREATE TABLE "StockLevel" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "storeId" TEXT NOT NULL,
    "productId" TEXT NOT NULL,
    "qty" BIGINT NOT NULL,
    "updatedAt" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1
);

-- CreateTable
CREATE TABLE "Movement" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "storeId" TEXT NOT NULL,
    "productId" TEXT NOT NULL,
    "qty" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "documentId" TEXT NOT NULL,
    "lineNo" INTEGER NOT NULL,
    "occurredAt" TEXT NOT NULL,
    "recordedAt" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "Fact" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "storeId" TEXT NOT NULL,
    "till" TEXT,
    "number" TEXT,
    "businessDate" TEXT NOT NULL,
    "occurredAt" TEXT NOT NULL,
    "recordedAt" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "note" TEXT,
    "customerId" TEXT,
    "saleId" TEXT,
    "saleNumber" TEXT,
    "supplier" TEXT,
    "reference" TEXT,
    "reason" TEXT,
    "tenders" TEXT NOT NULL DEFAULT '[]',
    "total" BIGINT NOT NULL DEFAULT 0,
    "tax" BIGINT NOT NULL DEFAULT 0,
    "fiscal" TEXT NOT NULL DEFAULT 'null',
    "version" INTEGER NOT NULL DEFAULT 1
);

-- CreateTable
CREATE TABLE "FactLine" (
    "factId" TEXT NOT NULL,
    "lineNo" INTEGER NOT NULL,
    "productId" TEXT NOT NULL,
    "qty" INTEGER NOT NULL,
    "unitPrice" BIGINT NOT NULL DEFAULT 0,
    "discount" BIGINT NOT NULL DEFAULT 0,
    "tax" BIGINT NOT NULL DEFAULT 0,
    "total" BIGINT NOT NULL DEFAULT 0,
    "description" TEXT,

    PRIMARY KEY ("factId", "lineNo"),
    CONSTRAINT "FactLine_factId_fkey" FOREIGN KEY ("factId") REFERENCES "Fact" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "ExceptionRecord" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "storeId" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "document" TEXT NOT NULL,
    "documentId" TEXT NOT NULL,
    "productId" TEXT,
    "detail" TEXT NOT NULL,
    "createdAt" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1
);

-- CreateTable
CREATE TABLE "User" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "username" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "storeId" TEXT,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "passwordHash" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1
);

-- CreateTable
CREATE TABLE "Edge" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "storeId" TEXT NOT NULL,
    "tokenHash" TEXT NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "SigningKey" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "privateJwk" TEXT NOT NULL,
    "publicJwk" TEXT NOT NULL,
    "createdAt" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "IdempotencyKey" (
    "userId" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "leaseToken" TEXT,
    "leaseUntil" TEXT,
    "status" INTEGER,
    "headers" TEXT,
    "body" TEXT,
    "createdAt" TEXT NOT NULL,
    "expiresAt" TEXT NOT NULL,

    PRIMARY KEY ("userId", "key")
);

-- CreateTable
CREATE TABLE "Change" (
    "position" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "tx" TEXT NOT NULL,
    "nonce" TEXT NOT NULL,
    "storeId" TEXT,
    "type" TEXT NOT NULL,
    "resource" TEXT,
    "docId" TEXT,
    "version" INTEGER,
    "doc" TEXT,
    "causeUser" TEXT,
    "causeKey" TEXT,
    "recordedAt" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "Setting" (
    "name" TEXT NOT NULL PRIMARY KEY,
    "value" TEXT NOT NULL
);

-- CreateIndex
CREATE UNIQUE INDEX "Product_sku_key" ON "Product"("sku");

-- CreateIndex
CREATE INDEX "Product_barcode_idx" ON "Product"("barcode");

-- CreateIndex
CREATE INDEX "Product_name_id_idx" ON "Product"("name", "id");

-- CreateIndex
CREATE INDEX "Product_categoryId_idx" ON "Product"("categoryId");

-- CreateIndex
CREATE UNIQUE INDEX "Customer_code_key" ON "Customer"("code");

-- CreateIndex
CREATE INDEX "Customer_name_id_idx" ON "Customer"("name", "id");

-- CreateIndex
CREATE INDEX "StockLevel_productId_idx" ON "StockLevel"("productId");

-- CreateIndex
CREATE UNIQUE INDEX "StockLevel_storeId_productId_key" ON "StockLevel"("storeId", "productId");

-- CreateIndex
CREATE INDEX "Movement_storeId_productId_occurredAt_idx" ON "Movement"("storeId", "productId", "occurredAt");

-- CreateIndex
CREATE INDEX "Movement_documentId_idx" ON "Movement"("documentId");

-- CreateIndex
CREATE INDEX "Movement_occurredAt_id_idx" ON "Movement"("occurredAt", "id");

-- CreateIndex
CREATE INDEX "Fact_kind_storeId_occurredAt_id_idx" ON "Fact"("kind", "storeId", "occurredAt", "id");

-- CreateIndex
CREATE INDEX "Fact_kind_occurredAt_id_idx" ON "Fact"("kind", "occurredAt", "id");

-- CreateIndex
CREATE INDEX "Fact_storeId_number_idx" ON "Fact"("storeId", "number");

-- CreateIndex
CREATE INDEX "Fact_customerId_idx" ON "Fact"("customerId");

-- CreateIndex
CREATE INDEX "Fact_saleId_idx" ON "Fact"("saleId");

-- CreateIndex
CREATE INDEX "FactLine_productId_idx" ON "FactLine"("productId");

-- CreateIndex
CREATE INDEX "ExceptionRecord_storeId_createdAt_idx" ON "ExceptionRecord"("storeId", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "User_username_key" ON "User"("username");

-- CreateIndex
CREATE UNIQUE INDEX "Edge_tokenHash_key" ON "Edge"("tokenHash");

-- CreateIndex
CREATE INDEX "IdempotencyKey_expiresAt_idx" ON "IdempotencyKey"("expiresAt");

-- CreateIndex
CREATE INDEX "Change_storeId_position_idx" ON "Change"("storeId", "position");
