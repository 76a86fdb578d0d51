-- AlterTable
ALTER TABLE "Edge" ADD COLUMN "currentStart" TEXT;

-- CreateTable
CREATE TABLE "EdgeStart" (
    "edgeId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "box" TEXT NOT NULL,
    "at" TEXT NOT NULL,
    "takenOver" BOOLEAN NOT NULL,

    PRIMARY KEY ("edgeId", "id")
);

-- CreateIndex
CREATE INDEX "EdgeStart_edgeId_at_idx" ON "EdgeStart"("edgeId", "at");
