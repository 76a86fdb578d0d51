-- CreateTable
CREATE TABLE "Store" (
    "id" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "currency" TEXT COLLATE "C" NOT NULL,
    "timeZone" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "Store_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Category" (
    "id" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "parentId" TEXT COLLATE "C",
    "search" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "Category_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Product" (
    "id" TEXT COLLATE "C" NOT NULL,
    "sku" TEXT COLLATE "C" NOT NULL,
    "barcode" TEXT COLLATE "C",
    "name" TEXT COLLATE "C" NOT NULL,
    "unit" TEXT COLLATE "C" NOT NULL,
    "price" BIGINT NOT NULL,
    "cost" BIGINT NOT NULL,
    "reorderLevel" INTEGER NOT NULL,
    "categoryId" TEXT COLLATE "C",
    "active" BOOLEAN NOT NULL DEFAULT true,
    "search" TEXT COLLATE "C" NOT NULL,
    "createdAt" TEXT COLLATE "C" NOT NULL,
    "updatedAt" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "Product_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Customer" (
    "id" TEXT COLLATE "C" NOT NULL,
    "code" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "country" TEXT COLLATE "C",
    "phone" TEXT COLLATE "C",
    "email" TEXT COLLATE "C",
    "storeId" TEXT COLLATE "C",
    "search" TEXT COLLATE "C" NOT NULL,
    "createdAt" TEXT COLLATE "C" NOT NULL,
    "updatedAt" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "Customer_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "StockLevel" (
    "id" TEXT COLLATE "C" NOT NULL,
    "storeId" TEXT COLLATE "C" NOT NULL,
    "productId" TEXT COLLATE "C" NOT NULL,
    "qty" BIGINT NOT NULL,
    "updatedAt" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "StockLevel_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Movement" (
    "id" TEXT COLLATE "C" NOT NULL,
    "storeId" TEXT COLLATE "C" NOT NULL,
    "productId" TEXT COLLATE "C" NOT NULL,
    "qty" INTEGER NOT NULL,
    "type" TEXT COLLATE "C" NOT NULL,
    "documentId" TEXT COLLATE "C" NOT NULL,
    "lineNo" INTEGER NOT NULL,
    "occurredAt" TEXT COLLATE "C" NOT NULL,
    "recordedAt" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "Movement_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Fact" (
    "id" TEXT COLLATE "C" NOT NULL,
    "kind" TEXT COLLATE "C" NOT NULL,
    "storeId" TEXT COLLATE "C" NOT NULL,
    "till" TEXT COLLATE "C",
    "number" TEXT COLLATE "C",
    "businessDate" TEXT COLLATE "C" NOT NULL,
    "occurredAt" TEXT COLLATE "C" NOT NULL,
    "recordedAt" TEXT COLLATE "C" NOT NULL,
    "userId" TEXT COLLATE "C" NOT NULL,
    "note" TEXT COLLATE "C",
    "customerId" TEXT COLLATE "C",
    "saleId" TEXT COLLATE "C",
    "saleNumber" TEXT COLLATE "C",
    "supplier" TEXT COLLATE "C",
    "reference" TEXT COLLATE "C",
    "reason" TEXT COLLATE "C",
    "tenders" TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    "total" BIGINT NOT NULL DEFAULT 0,
    "tax" BIGINT NOT NULL DEFAULT 0,
    "fiscal" TEXT COLLATE "C" NOT NULL DEFAULT 'null',
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "Fact_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "FactLine" (
    "factId" TEXT COLLATE "C" NOT NULL,
    "lineNo" INTEGER NOT NULL,
    "productId" TEXT COLLATE "C" NOT NULL,
    "qty" INTEGER NOT NULL,
    "unitPrice" BIGINT NOT NULL DEFAULT 0,
    "discount" BIGINT NOT NULL DEFAULT 0,
    "tax" BIGINT NOT NULL DEFAULT 0,
    "total" BIGINT NOT NULL DEFAULT 0,
    "description" TEXT COLLATE "C",

    CONSTRAINT "FactLine_pkey" PRIMARY KEY ("factId","lineNo")
);

-- CreateTable
CREATE TABLE "ExceptionRecord" (
    "id" TEXT COLLATE "C" NOT NULL,
    "storeId" TEXT COLLATE "C" NOT NULL,
    "type" TEXT COLLATE "C" NOT NULL,
    "document" TEXT COLLATE "C" NOT NULL,
    "documentId" TEXT COLLATE "C" NOT NULL,
    "productId" TEXT COLLATE "C",
    "detail" TEXT COLLATE "C" NOT NULL,
    "createdAt" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "ExceptionRecord_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "User" (
    "id" TEXT COLLATE "C" NOT NULL,
    "username" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "role" TEXT COLLATE "C" NOT NULL,
    "storeId" TEXT COLLATE "C",
    "active" BOOLEAN NOT NULL DEFAULT true,
    "passwordHash" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Edge" (
    "id" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "storeId" TEXT COLLATE "C" NOT NULL,
    "tokenHash" TEXT COLLATE "C" NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "Edge_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "SigningKey" (
    "id" TEXT COLLATE "C" NOT NULL,
    "privateJwk" TEXT COLLATE "C" NOT NULL,
    "publicJwk" TEXT COLLATE "C" NOT NULL,
    "createdAt" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "SigningKey_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "IdempotencyKey" (
    "userId" TEXT COLLATE "C" NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "fingerprint" TEXT COLLATE "C" NOT NULL,
    "leaseToken" TEXT COLLATE "C",
    "leaseUntil" TEXT COLLATE "C",
    "status" INTEGER,
    "headers" TEXT COLLATE "C",
    "body" TEXT COLLATE "C",
    "createdAt" TEXT COLLATE "C" NOT NULL,
    "expiresAt" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "IdempotencyKey_pkey" PRIMARY KEY ("userId","key")
);

-- CreateTable
CREATE TABLE "Change" (
    "position" BIGSERIAL NOT NULL,
    "tx" TEXT COLLATE "C" NOT NULL,
    "nonce" TEXT COLLATE "C" NOT NULL,
    "storeId" TEXT COLLATE "C",
    "type" TEXT COLLATE "C" NOT NULL,
    "resource" TEXT COLLATE "C",
    "docId" TEXT COLLATE "C",
    "version" INTEGER,
    "doc" TEXT COLLATE "C",
    "causeUser" TEXT COLLATE "C",
    "causeKey" TEXT COLLATE "C",
    "recordedAt" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "Change_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "Setting" (
    "name" TEXT COLLATE "C" NOT NULL,
    "value" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "Setting_pkey" PRIMARY KEY ("name")
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

-- AddForeignKey
ALTER TABLE "FactLine" ADD CONSTRAINT "FactLine_factId_fkey" FOREIGN KEY ("factId") REFERENCES "Fact"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
