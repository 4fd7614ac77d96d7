-- Why: a search may be kept to documents of some tags.
ALTER TABLE documents ADD COLUMN tags text[] NOT NULL DEFAULT '{}';
