-- Why: several replicas embed at once and none may do another's work; a text that the
-- model can't take must not stop all others; and when the model is changed, the vectors
-- of the old one serve until those of the new one are all there.

ALTER TABLE chunks
    -- Whoever embeds a chunk moves this ahead, so that nobody else begins it; a failure
    -- moves it further each time.
    ADD COLUMN embedding_due_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN embedding_failures int NOT NULL DEFAULT 0,
    ADD COLUMN embedding_error text,
    -- The vector of the model before, while its tenant is not through with the new one.
    ADD COLUMN old_embedding bytea,
    ADD COLUMN old_embedding_model text;

-- The model whose vectors are searched; null is the one that is set.
ALTER TABLE knowledge_revisions ADD COLUMN served_model text;

DROP INDEX chunks_unembedded;
CREATE INDEX chunks_unembedded ON chunks (tenant_id, embedding_due_at)
    WHERE embedding IS NULL;
