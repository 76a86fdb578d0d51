-- AlterTable
ALTER TABLE "Edge" ADD COLUMN     "currentStart" TEXT COLLATE "C";

-- CreateTable
CREATE TABLE "EdgeStart" (
    "edgeId" TEXT COLLATE "C" NOT NULL,
    "id" TEXT COLLATE "C" NOT NULL,
    "box" TEXT COLLATE "C" NOT NULL,
    "at" TEXT COLLATE "C" NOT NULL,
    "takenOver" BOOLEAN NOT NULL,

    CONSTRAINT "EdgeStart_pkey" PRIMARY KEY ("edgeId","id")
);

-- CreateIndex
CREATE INDEX "EdgeStart_edgeId_at_idx" ON "EdgeStart"("edgeId", "at");
