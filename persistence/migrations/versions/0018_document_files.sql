-- Why: documents may be handed in as files, and the file is kept as it was. Apart from
-- the documents, because no list and no search ever reads it.
CREATE TABLE document_files (
    document_id uuid PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name text NOT NULL,
    content bytea NOT NULL
);
-- Word, Excel and PDF files are compressed already.
ALTER TABLE document_files ALTER COLUMN content SET STORAGE EXTERNAL;
