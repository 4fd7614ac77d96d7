-- The way back: the tags are forgotten.
ALTER TABLE documents DROP COLUMN tags;
