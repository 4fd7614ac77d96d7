-- The way back: chunks stay, without what was understood of them.
DROP INDEX documents_by_reader;
ALTER TABLE documents DROP COLUMN content_revision, DROP COLUMN reader_version;
ALTER TABLE chunks DROP COLUMN block;
