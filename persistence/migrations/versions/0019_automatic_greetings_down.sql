-- The way back: every echo that is not ours is a person's answer again.
DROP INDEX messages_echoes;
ALTER TABLE channels DROP COLUMN automatic_greetings;
