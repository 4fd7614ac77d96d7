-- fetch_outbox_page --
-- Messages with parts of one delivery status, the newest change first. The conversation's
-- state knows which dead letters can be retried.
WITH unsent AS (
    SELECT o.message_id, o.conversation_id, o.channel_id, max(o.delivery) AS delivery,
        count(*) AS parts, max(o.attempts) AS attempts, max(o.error) AS error,
        min(o.created_at) AS created_at, max(o.updated_at) AS updated_at
    FROM outbox o
    WHERE o.tenant_id = $1 AND o.delivery <> 'sent' AND o.delivery = $2
        AND ($3::uuid IS NULL OR o.channel_id = $3)
    GROUP BY o.message_id, o.conversation_id, o.channel_id
    HAVING $6::timestamptz IS NULL OR max(o.updated_at) < $6
        OR (max(o.updated_at) = $6 AND o.message_id > $7::uuid)
    ORDER BY max(o.updated_at) DESC, o.message_id LIMIT $4 OFFSET $5
)
SELECT u.*, c.source, m.type, left(m.content, 500) AS content, EXISTS (
        SELECT FROM jsonb_array_elements(
            coalesce(c.state -> 'dead', '[]'::jsonb)) AS dead
        WHERE dead ->> 'message_id' = u.message_id::text
    ) AS can_retry
FROM unsent u
JOIN messages m ON m.id = u.message_id
JOIN conversations c ON c.id = u.conversation_id
ORDER BY u.updated_at DESC, u.message_id;

-- count_outbox --
-- Separate from the page, and only so far that there are more than anybody counts.
SELECT count(*) FROM (
    SELECT DISTINCT o.message_id FROM outbox o
    WHERE o.tenant_id = $1 AND o.delivery <> 'sent' AND o.delivery = $2
        AND ($3::uuid IS NULL OR o.channel_id = $3)
    LIMIT $4
) AS counted;

-- fetch_outbox_conversation --
-- The conversation of a message, if it has parts and is this tenant's.
SELECT conversation_id FROM outbox WHERE tenant_id = $1 AND message_id = $2 LIMIT 1;

-- fetch_waiting_conversations --
-- Conversations that wait for a channel, in pages: a long pause holds back thousands.
SELECT DISTINCT conversation_id FROM outbox
WHERE tenant_id = $1 AND delivery = 'queued' AND channel_id = $2
    AND conversation_id > $3
ORDER BY conversation_id LIMIT $4;
