-- The way back: who was told what is forgotten; the webhooks themselves stay set.
ALTER TABLE channels DROP COLUMN connection, DROP COLUMN connection_note;
