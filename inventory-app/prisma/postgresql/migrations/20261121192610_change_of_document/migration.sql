-- CreateIndex
CREATE INDEX "Change_resource_docId_type_position_idx" ON "Change"("resource", "docId", "type", "position");
