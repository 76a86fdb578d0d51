-- CreateTable
CREATE TABLE "TillStart" (
    "id" TEXT COLLATE "C" NOT NULL,
    "storeId" TEXT COLLATE "C" NOT NULL,
    "till" TEXT COLLATE "C" NOT NULL,
    "generation" INTEGER NOT NULL,
    "device" TEXT COLLATE "C" NOT NULL,
    "startedAt" TEXT COLLATE "C" NOT NULL,
    "userId" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "TillStart_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ReceiptNumber" (
    "storeId" TEXT COLLATE "C" NOT NULL,
    "till" TEXT COLLATE "C" NOT NULL,
    "generation" INTEGER NOT NULL,
    "seq" INTEGER NOT NULL,
    "documentId" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "ReceiptNumber_pkey" PRIMARY KEY ("storeId","till","generation","seq")
);

-- CreateIndex
CREATE INDEX "TillStart_storeId_till_generation_idx" ON "TillStart"("storeId", "till", "generation");

-- CreateIndex
CREATE INDEX "TillStart_storeId_startedAt_id_idx" ON "TillStart"("storeId", "startedAt", "id");
