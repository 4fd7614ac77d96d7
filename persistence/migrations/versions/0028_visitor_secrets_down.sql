-- The way back: ids of visitors are believed again. Removed channels are seen again, and
-- stay paused.
ALTER TABLE channels DROP COLUMN visitor_secret, DROP COLUMN removed_at;
