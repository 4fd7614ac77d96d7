-- fetch_chat_news --
-- One query for all connected visitors: the messages after each visitor's cursor.
SELECT m.id, m.conversation_id, m.seq, m.type, m.content, m.created_at
FROM unnest($1::uuid[], $2::bigint[]) AS visit (conversation_id, seq)
CROSS JOIN LATERAL (
    SELECT * FROM messages
    WHERE messages.conversation_id = visit.conversation_id
        AND messages.seq > visit.seq
    ORDER BY messages.seq LIMIT $3
) AS m
ORDER BY m.seq;

-- fetch_chat_writing --
-- Conversations in which the AI answers the newest message just now.
SELECT c.id FROM conversations c JOIN messages m ON m.id = c.last_message_id
WHERE c.id = ANY($1::uuid[]) AND m.processing_status = 'processing';

-- fetch_chat_start --
-- The cursor before the newest messages, for a visitor without one.
SELECT seq FROM messages WHERE conversation_id = $1
ORDER BY seq DESC OFFSET $2 LIMIT 1;
