-- next_revision --
-- The row lock puts a tenant's changes in one order, which readers follow.
INSERT INTO knowledge_revisions (tenant_id, revision) VALUES ($1, 1)
ON CONFLICT (tenant_id) DO UPDATE SET revision = knowledge_revisions.revision + 1
RETURNING revision;

-- insert_document --
-- A new document, with its chunks to follow in the same transaction.
INSERT INTO documents (id, tenant_id, source_type, title, text, url, tags, revision,
    content_revision, reader_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9);

-- update_document --
-- Called under the lock of `lock_document`.
UPDATE documents SET source_type = $3, title = $4, text = $5, url = $6, tags = $7,
    revision = $8, content_revision = $8, reader_version = $9, updated_at = now()
WHERE tenant_id = $1 AND id = $2;

-- lock_document --
-- Two edits of one document take turns.
SELECT d.*, 0::bigint AS chunks, 0::bigint AS embedded_chunks,
    0::bigint AS failed_chunks, NULL::text AS embedding_error FROM documents d
WHERE d.tenant_id = $1 AND d.id = $2 AND NOT d.is_deleted FOR UPDATE;

-- claim_outdated_document --
-- One at a time, so that no edit waits for long; replicas take different ones.
SELECT d.*, 0::bigint AS chunks, 0::bigint AS embedded_chunks,
    0::bigint AS failed_chunks, NULL::text AS embedding_error FROM documents d
WHERE d.reader_version < $1 AND NOT d.is_deleted
ORDER BY d.reader_version, d.id LIMIT 1 FOR UPDATE SKIP LOCKED;

-- record_reading --
-- The content is the same, so neither its revision nor the time of its change moves.
UPDATE documents SET revision = $3, reader_version = $4
WHERE tenant_id = $1 AND id = $2;

-- mark_document_deleted --
-- The row stays, so that indexes learn of the deletion by its revision; all words go.
UPDATE documents SET is_deleted = true, title = '', text = '', url = NULL, tags = '{}',
    revision = $3, updated_at = now()
WHERE tenant_id = $1 AND id = $2;

-- fetch_document --
-- One document, if it is this tenant's, and how far its indexing has come.
SELECT d.*, n.* FROM documents d
CROSS JOIN LATERAL (
    SELECT count(*) AS chunks, count(embedding) AS embedded_chunks,
        count(*) FILTER (WHERE embedding_failures >= 3 AND embedding IS NULL)
            AS failed_chunks,
        max(embedding_error) FILTER (WHERE embedding IS NULL) AS embedding_error
    FROM chunks WHERE document_id = d.id) n
WHERE d.tenant_id = $1 AND d.id = $2 AND NOT d.is_deleted;

-- fetch_documents_page --
-- The last changed documents come first; the words match title or text. Their texts are
-- not read: 200 of them may be megabytes.
SELECT d.*, n.* FROM (
    SELECT id, tenant_id, source_type, title, octet_length(text) AS size_bytes, url,
        tags, revision, created_at, updated_at
    FROM documents
    WHERE tenant_id = $1 AND NOT is_deleted
        AND ($2::text IS NULL OR source_type = $2)
        AND ($3::text IS NULL OR position(lower($3) IN lower(title)) > 0
            OR position(lower($3) IN lower(text)) > 0)
        AND updated_at <= coalesce($6::timestamptz, 'infinity')
        AND ($6 IS NULL OR updated_at < $6 OR id > $7::uuid)
    ORDER BY updated_at DESC, id LIMIT $4 OFFSET $5) d
CROSS JOIN LATERAL (
    SELECT count(*) AS chunks, count(embedding) AS embedded_chunks,
        count(*) FILTER (WHERE embedding_failures >= 3 AND embedding IS NULL)
            AS failed_chunks,
        max(embedding_error) FILTER (WHERE embedding IS NULL) AS embedding_error
    FROM chunks WHERE document_id = d.id) n
ORDER BY d.updated_at DESC, d.id;

-- count_documents --
-- The same filters as the page's, but for the words: a search is not counted.
SELECT count(*) FROM (
    SELECT FROM documents
    WHERE tenant_id = $1 AND NOT is_deleted
        AND ($2::text IS NULL OR source_type = $2)
        AND $3::text IS NULL
    LIMIT $4
) AS counted;

-- fetch_embeddings --
-- Embeddings that an edit may keep, because the text of the chunk has not changed.
SELECT text, embedding, embedding_model, old_embedding, old_embedding_model FROM chunks
WHERE tenant_id = $1 AND document_id = $2
    AND (embedding IS NOT NULL OR old_embedding IS NOT NULL);

-- delete_parents --
-- Chunks go with their parents.
DELETE FROM parents WHERE tenant_id = $1 AND document_id = $2;

-- insert_parents --
-- All of a document's parents in one round trip.
INSERT INTO parents (id, tenant_id, document_id, position, text)
SELECT p.id, $1, $2, p.position, p.text
FROM unnest($3::uuid[], $4::int[], $5::text[]) AS p(id, position, text);

-- insert_chunks --
-- All of a document's chunks in one round trip, with the embeddings that were kept.
INSERT INTO chunks
    (id, tenant_id, document_id, parent_id, position, text, block, embedding,
    embedding_model, old_embedding, old_embedding_model)
SELECT c.id, $1, $2, c.parent_id, c.position, c.text, c.block, c.embedding, c.model,
    c.old_embedding, c.old_model
FROM unnest($3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::jsonb[], $8::bytea[],
    $9::text[], $10::bytea[], $11::text[])
    AS c(id, parent_id, position, text, block, embedding, model, old_embedding,
        old_model);

-- notify_knowledge --
-- Wakes the indexer and every replica that holds this tenant's index.
SELECT pg_notify('pilito_knowledge', $1::uuid::text);
