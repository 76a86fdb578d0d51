-- CreateTable
CREATE TABLE "TillStart" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "storeId" TEXT NOT NULL,
    "till" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "device" TEXT NOT NULL,
    "startedAt" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1
);

-- CreateTable
CREATE TABLE "ReceiptNumber" (
    "storeId" TEXT NOT NULL,
    "till" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "seq" INTEGER NOT NULL,
    "documentId" TEXT NOT NULL,

    PRIMARY KEY ("storeId", "till", "generation", "seq")
);

-- CreateIndex
CREATE INDEX "TillStart_storeId_till_generation_idx" ON "TillStart"("storeId", "till", "generation");

-- CreateIndex
CREATE INDEX "TillStart_storeId_startedAt_id_idx" ON "TillStart"("storeId", "startedAt", "id");
