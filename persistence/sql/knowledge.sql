-- fetch_state --
-- Runs before every search, to tell if the index in memory is current.
SELECT revision, served_model FROM knowledge_revisions WHERE tenant_id = $1;

-- fetch_changed_documents --
-- Documents that an index has to drop and, unless deleted, to read again.
SELECT id, revision, is_deleted FROM documents
WHERE tenant_id = $1 AND revision > $2 ORDER BY revision;

-- fetch_deleted_documents --
-- Documents that must not be quoted while the rest of a large change is still read.
SELECT id FROM documents WHERE tenant_id = $1 AND revision > $2 AND is_deleted;

-- fetch_chunks --
-- All that an index keeps of some documents. Vectors of two models cannot be compared,
-- so a chunk without a vector of this model has none.
SELECT c.id, c.document_id, d.source_type, d.title, c.text, c.parent_id,
    p.text AS parent_text, d.url, d.tags, c.block,
    coalesce(d.content_revision, d.revision) AS content_revision,
    CASE $3 WHEN c.embedding_model THEN c.embedding
        WHEN c.old_embedding_model THEN c.old_embedding END AS embedding
FROM chunks c
JOIN parents p ON p.id = c.parent_id
JOIN documents d ON d.id = c.document_id
WHERE c.tenant_id = $1 AND c.document_id = ANY($2::uuid[]) AND NOT d.is_deleted
ORDER BY c.document_id, c.position;

-- count_unembedded --
-- The chunks of a tenant that cannot be found by meaning yet.
SELECT count(*) FROM chunks
WHERE tenant_id = $1 AND embedding IS NULL;

-- count_chunks --
-- A tenant's chunks, counted no further than to see that there are too many.
SELECT count(*) FROM (SELECT FROM chunks WHERE tenant_id = $1 LIMIT $2) AS counted;
