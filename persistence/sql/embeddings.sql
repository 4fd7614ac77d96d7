-- park_foreign_embeddings --
-- Once, when a model starts: vectors of another model serve on until they are replaced.
WITH parked AS (
    UPDATE chunks SET old_embedding = coalesce(old_embedding, embedding),
        old_embedding_model = coalesce(old_embedding_model, embedding_model),
        embedding = NULL, embedding_model = NULL,
        embedding_due_at = now(), embedding_failures = 0, embedding_error = NULL
    WHERE embedding IS NOT NULL AND embedding_model IS DISTINCT FROM $1
    RETURNING tenant_id, old_embedding_model)
UPDATE knowledge_revisions k SET served_model = p.model
FROM (SELECT tenant_id, min(old_embedding_model) AS model FROM parked
    GROUP BY tenant_id) p
WHERE k.tenant_id = p.tenant_id AND k.served_model IS NULL;

-- restore_own_embeddings --
-- After the above: the setting names a model again whose vectors are still there.
UPDATE chunks SET embedding = old_embedding, embedding_model = old_embedding_model,
    old_embedding = NULL, old_embedding_model = NULL
WHERE old_embedding_model = $1 AND embedding IS NULL;

-- claim_unembedded --
-- Leases some of one tenant's chunks: two replicas never embed the same chunk, and the
-- chunks of a dead replica fall due again. A random tenant is next, so that a large
-- import does not keep a small tenant's page waiting.
WITH waiting AS (
    SELECT k.tenant_id FROM knowledge_revisions k WHERE EXISTS (
        SELECT 1 FROM chunks c WHERE c.tenant_id = k.tenant_id
            AND c.embedding IS NULL AND c.embedding_due_at <= now())
    ORDER BY random() LIMIT 1),
taken AS (
    SELECT c.id FROM chunks c
    WHERE c.tenant_id = (SELECT tenant_id FROM waiting)
        AND c.embedding IS NULL AND c.embedding_due_at <= now()
    ORDER BY c.embedding_due_at, c.position LIMIT $1 FOR UPDATE SKIP LOCKED)
UPDATE chunks c SET embedding_due_at = now() + $2
FROM taken, documents d
WHERE c.id = taken.id AND d.id = c.document_id
RETURNING c.id, c.tenant_id, c.document_id, d.title, c.text;

-- release_unembedded --
-- A replica that stops in good order leaves its chunks to others at once.
UPDATE chunks SET embedding_due_at = now()
WHERE id = ANY($1::uuid[]) AND embedding IS NULL;

-- record_embedding_failure --
-- Tried again with growing pauses, at last once an hour, and never before others.
UPDATE chunks SET embedding_failures = embedding_failures + 1, embedding_error = $2,
    embedding_due_at = now()
        + least(interval '1 hour', interval '5 s' * power(4, embedding_failures))
WHERE id = $1 AND embedding IS NULL;

-- serve_whole_tenants --
-- Serves the new model's vectors to tenants that have all of them; chunks that failed
-- for good are not waited for.
UPDATE knowledge_revisions k SET served_model = NULL
WHERE k.served_model IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM chunks c WHERE c.tenant_id = k.tenant_id
        AND c.embedding IS NULL AND c.embedding_failures < $1)
RETURNING k.tenant_id;

-- forget_old_embeddings --
-- The previous model no longer serves this tenant.
UPDATE chunks SET old_embedding = NULL, old_embedding_model = NULL
WHERE tenant_id = $1 AND old_embedding_model IS NOT NULL;

-- lock_documents --
-- Locks before the revision, as every edit does: so there can be no deadlock.
SELECT id FROM documents WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE;

-- store_embeddings --
-- A chunk that an edit has removed meanwhile is simply not there any more.
UPDATE chunks SET embedding = e.embedding, embedding_model = $3,
    embedding_failures = 0, embedding_error = NULL
FROM unnest($1::uuid[], $2::bytea[]) AS e (id, embedding) WHERE chunks.id = e.id;

-- touch_documents --
-- Their new revision makes every index fetch them again, now with vectors.
UPDATE documents SET revision = $2 WHERE id = ANY($1::uuid[]);
