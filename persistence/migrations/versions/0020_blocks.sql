-- Why: answers are built of what a document's reader understood, so a chunk keeps its
-- block, and documents that an earlier reader read are read again.
ALTER TABLE chunks ADD COLUMN block jsonb;

ALTER TABLE documents
    -- The reader that made the chunks; 0 knew no blocks.
    ADD COLUMN reader_version int NOT NULL DEFAULT 0,
    -- The revision of the last edit. `revision` moves with each stored vector as well,
    -- which makes no document newer than another.
    ADD COLUMN content_revision bigint;

-- The order of the edits is known by their time alone; a number below the revision
-- leaves room for all that follow.
UPDATE documents d SET content_revision = o.place
FROM (SELECT id, row_number() OVER (PARTITION BY tenant_id ORDER BY updated_at, id)
    AS place FROM documents) o
WHERE o.id = d.id;

CREATE INDEX documents_by_reader ON documents (reader_version, id)
    WHERE NOT is_deleted;
