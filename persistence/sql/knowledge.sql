-- fetch_revision --
-- Asked before every search: whether the index in memory is still the newest.
SELECT revision FROM knowledge_revisions WHERE tenant_id = $1;

-- fetch_changed_documents --
-- What an index has to drop and, unless deleted, to take in anew.
SELECT id, revision, is_deleted FROM documents
WHERE tenant_id = $1 AND revision > $2 ORDER BY revision;

-- fetch_chunks --
-- All that an index keeps of some documents. Another model's vectors can't be compared
-- with this one's, nor even be of its size: until they are made anew there are none.
SELECT c.id, c.document_id, d.source_type, d.title, c.text, c.parent_id,
    p.text AS parent_text, d.url,
    CASE WHEN c.embedding_model = $3 THEN c.embedding END AS embedding
FROM chunks c
JOIN parents p ON p.id = c.parent_id
JOIN documents d ON d.id = c.document_id
WHERE c.tenant_id = $1 AND c.document_id = ANY($2::uuid[]) AND NOT d.is_deleted
ORDER BY c.document_id, c.position;

-- forget_foreign_embeddings --
-- Once, when a model starts: from then on what lacks a vector is found by its index.
UPDATE chunks SET embedding = NULL, embedding_model = NULL
WHERE embedding IS NOT NULL AND embedding_model IS DISTINCT FROM $1;

-- claim_embedding --
-- One replica at a time embeds: what two began at once, both would pay for. The lock is
-- the session's, and goes with it.
SELECT pg_try_advisory_lock(hashtext('pilito_embedding'));

-- fetch_unembedded --
-- What the embedder has not come to; one tenant at a time.
SELECT c.id, c.tenant_id, c.document_id, d.title, c.text FROM chunks c
JOIN documents d ON d.id = c.document_id
WHERE c.embedding IS NULL
    AND c.tenant_id = (SELECT tenant_id FROM chunks WHERE embedding IS NULL LIMIT 1)
ORDER BY d.revision, c.position LIMIT $1;

-- count_unembedded --
-- How much of a tenant's knowledge can't be found by meaning yet.
SELECT count(*) FROM chunks
WHERE tenant_id = $1 AND embedding IS NULL;

-- lock_documents --
-- Taken before the revision, as every edit does: so nobody waits in a circle.
SELECT id FROM documents WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE;

-- store_embeddings --
-- A chunk that an edit has removed meanwhile is simply not there any more.
UPDATE chunks SET embedding = e.embedding, embedding_model = $3
FROM unnest($1::uuid[], $2::bytea[]) AS e (id, embedding) WHERE chunks.id = e.id;

-- touch_documents --
-- Their new revision makes every index fetch them again, now with vectors.
UPDATE documents SET revision = $2 WHERE id = ANY($1::uuid[]);
