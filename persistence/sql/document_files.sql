-- insert_document_file --
-- The file that a document was read from, kept as it was handed in.
INSERT INTO document_files (document_id, tenant_id, name, content)
VALUES ($2, $1, $3, $4);

-- fetch_document_file --
-- Only of a document that is still there, and only for its own tenant.
SELECT f.name, f.content FROM document_files f
JOIN documents d ON d.id = f.document_id AND NOT d.is_deleted
WHERE f.tenant_id = $1 AND f.document_id = $2;

-- delete_document_file --
-- A document's row stays when it is deleted; its file must not.
DELETE FROM document_files WHERE tenant_id = $1 AND document_id = $2;
