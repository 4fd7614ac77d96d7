-- fetch_knowledge_use --
-- What a tenant's knowledge takes: chunks, and the bytes of texts and of files. Lengths
-- are read without the texts themselves.
SELECT
    (SELECT count(*) FROM chunks WHERE tenant_id = $1) AS chunks,
    (SELECT coalesce(sum(octet_length(text)), 0) FROM documents
        WHERE tenant_id = $1 AND NOT is_deleted)
    + (SELECT coalesce(sum(octet_length(content)), 0) FROM document_files
        WHERE tenant_id = $1) AS bytes;
