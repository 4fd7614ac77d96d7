-- fetch_past_conversations --
-- Conversations in which the customer wrote since then, or the one that is named, with
-- the customer's card: the newest ones. The inbox's index bounds the search, since what
-- a customer wrote updates a conversation.
SELECT c.id, c.source, c.status, c.customer_id, k.platform_id, k.first_name, k.last_name,
    k.username, k.tags, k.attributes
FROM conversations c JOIN customers k ON k.id = c.customer_id
WHERE c.tenant_id = $1 AND c.last_message_id IS NOT NULL
    AND ($2::uuid IS NULL OR c.id = $2)
    AND c.updated_at >= coalesce($3::timestamptz, '-infinity')
    AND ($3 IS NULL OR (c.state ->> 'last_customer_at')::timestamptz >= $3)
ORDER BY c.updated_at DESC, c.id
LIMIT $4;

-- fetch_past_messages --
-- The newest messages of each conversation since then, of long texts their beginning. An
-- unsent message has no words any more. Rows are marked as whole where nothing stands
-- before them.
SELECT m.conversation_id, m.type, m.message_type, m.created_at,
    left(m.content, $5) AS content,
    NOT EXISTS (
        SELECT FROM messages older WHERE older.conversation_id = m.conversation_id
            AND (older.position, older.seq) < (m.position, m.seq)) AS is_first
FROM unnest($2::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT * FROM messages
    WHERE messages.conversation_id = wanted.id AND messages.tenant_id = $1
        AND messages.created_at >= coalesce($3::timestamptz, '-infinity')
        AND NOT messages.metadata ? 'unsent'
    ORDER BY messages.position DESC, messages.seq DESC LIMIT $4
) AS m
ORDER BY m.conversation_id, m.position, m.seq;
