-- The way back: chat pages begin with the greeting alone.
ALTER TABLE channels DROP COLUMN suggestions, DROP COLUMN follow_ups;
