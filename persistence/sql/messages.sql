-- fetch_messages_page --
-- A conversation's messages, oldest first.
SELECT *, count(*) OVER () AS total FROM messages
WHERE tenant_id = $1 AND conversation_id = $2
ORDER BY position, seq LIMIT $3 OFFSET $4;

-- count_messages --
-- Asked when a page past the end came back empty.
SELECT count(*) FROM messages WHERE tenant_id = $1 AND conversation_id = $2;

-- fetch_message --
-- One message, if it is this tenant's.
SELECT * FROM messages WHERE tenant_id = $1 AND id = $2;

-- fetch_messages_after --
-- What a visitor who reconnects has missed.
SELECT * FROM messages WHERE conversation_id = $1 AND seq > $2 ORDER BY seq LIMIT $3;

-- fetch_latest_messages --
-- The end of a conversation, for a visitor who opens the page.
SELECT * FROM (
    SELECT * FROM messages WHERE conversation_id = $1 ORDER BY seq DESC LIMIT $2
) AS latest ORDER BY seq;

-- fetch_questions --
-- What one answer is asked for, oldest first. A share is handed over beside it: in one
-- text with it the question could be cut away.
SELECT message_type, content FROM messages
WHERE tenant_id = $1 AND conversation_id = $2 AND id = ANY($3::uuid[])
ORDER BY position, seq;

-- fetch_recent_turns --
-- What was said before the questions, newest first, for the model's memory.
SELECT type, content FROM messages
WHERE tenant_id = $1 AND conversation_id = $2 AND NOT id = ANY($3::uuid[])
ORDER BY position DESC, seq DESC LIMIT $4;
