-- fetch_messages_page --
-- A conversation's messages, oldest first.
SELECT * FROM messages
WHERE tenant_id = $1 AND conversation_id = $2
ORDER BY position, seq LIMIT $3 OFFSET $4;

-- count_messages --
-- Separate from the page, which reads only as many rows as it shows.
SELECT count(*) FROM messages WHERE tenant_id = $1 AND conversation_id = $2;

-- fetch_messages --
-- Messages by id, as far as they are this tenant's.
SELECT * FROM messages WHERE tenant_id = $1 AND id = ANY($2::uuid[]);

-- fetch_latest_messages --
-- The end of a conversation, for a visitor who opens the page.
SELECT * FROM (
    SELECT * FROM messages WHERE conversation_id = $1 ORDER BY seq DESC LIMIT $2
) AS latest ORDER BY seq;

-- fetch_questions --
-- The questions of one answer, oldest first. A share is handed over separately: in one
-- text with it the question could be cut away.
SELECT message_type, content FROM messages
WHERE tenant_id = $1 AND conversation_id = $2 AND id = ANY($3::uuid[])
ORDER BY position, seq;

-- fetch_recent_turns --
-- The messages before the questions, newest first, for the model's context.
SELECT type, content FROM messages
WHERE tenant_id = $1 AND conversation_id = $2 AND NOT id = ANY($3::uuid[])
ORDER BY position DESC, seq DESC LIMIT $4;
