-- Why: Telegram's updates overtake each other, but a conversation is read in the order in
-- which it was written. `seq` stays the order of storing, which cursors go by.

ALTER TABLE messages ADD COLUMN position bigint NOT NULL DEFAULT 0;
-- Older messages stand as they were stored: a message has the id of its event, and the
-- event its version, of which each makes a step.
UPDATE messages SET position = coalesce(
    (SELECT e.version * 1024 FROM conversation_events e WHERE e.id = messages.id), 0
);
CREATE INDEX messages_written ON messages (conversation_id, position, seq);
