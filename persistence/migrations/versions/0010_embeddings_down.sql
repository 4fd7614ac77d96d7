-- The way back: old vectors and the reasons of failures are forgotten.
DROP INDEX chunks_unembedded;
CREATE INDEX chunks_unembedded ON chunks (tenant_id) WHERE embedding IS NULL;
ALTER TABLE knowledge_revisions DROP COLUMN served_model;
ALTER TABLE chunks DROP COLUMN embedding_due_at, DROP COLUMN embedding_failures,
    DROP COLUMN embedding_error, DROP COLUMN old_embedding,
    DROP COLUMN old_embedding_model;
