-- The way back: the letters go; their events were never part of any conversation.
DROP INDEX chunks_tenant;
DROP TABLE dead_letters;
