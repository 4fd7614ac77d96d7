-- fetch_conversations_page --
-- A tenant's inbox, the newest change first; the words match customer or messages. The
-- offset keeps the planner from searching the messages of all tenants at once. A
-- conversation that has only an unsent message is not shown. Of the state, which may be
-- large, only what is shown is read, and of the last message its beginning.
SELECT c.id, c.status, c.source, c.channel_id, c.customer_id, c.needs_operator,
    c.updated_at, c.last_message_id, (c.state ->> 'ai_enabled')::boolean AS ai_enabled,
    c.state ->> 'department' AS department,
    c.state ->> 'last_customer_at' AS last_customer_at,
    c.state #>> '{pending_share,message_id}' AS share_id,
    c.state #>> '{pending_share,due_at}' AS share_due_at,
    c.state ->> 'runs' AS runs,
    k.platform_id, k.first_name, k.last_name, k.username, k.tags,
    left(m.content, 500) AS last_content, m.type AS last_type,
    m.created_at AS last_at
FROM conversations c
JOIN customers k ON k.id = c.customer_id
LEFT JOIN messages m ON m.id = c.last_message_id
WHERE c.tenant_id = $1 AND c.last_message_id IS NOT NULL
    AND ($2::text IS NULL OR c.status = $2)
    AND ($3::text IS NULL OR c.source = $3)
    AND ($4::text IS NULL
        OR concat_ws(' ', k.first_name, k.last_name, k.username, k.platform_id) ~* $4
        OR EXISTS (
            SELECT FROM (
                SELECT content FROM messages WHERE conversation_id = c.id OFFSET 0
            ) AS said WHERE said.content ~* $4))
    AND c.updated_at <= coalesce($7::timestamptz, 'infinity')
    AND ($7 IS NULL OR c.updated_at < $7 OR c.id > $8::uuid)
ORDER BY c.updated_at DESC, c.id
LIMIT $5 OFFSET $6;

-- count_conversations --
-- Separate from the page, and only so far that there are more than anybody counts. A
-- search is not counted: it would be made twice.
SELECT count(*) FROM (
    SELECT FROM conversations c
    WHERE c.tenant_id = $1 AND c.last_message_id IS NOT NULL
        AND ($2::text IS NULL OR c.status = $2)
        AND ($3::text IS NULL OR c.source = $3)
        AND $4::text IS NULL
    LIMIT $5
) AS counted;

-- fetch_conversation_channel --
-- Limits count by channel.
SELECT channel_id FROM conversations WHERE tenant_id = $1 AND id = $2;

-- fetch_conversations --
-- Conversations by id, as far as they are this tenant's and have a message.
SELECT c.id, c.status, c.source, c.channel_id, c.customer_id, c.needs_operator,
    c.updated_at, c.last_message_id, (c.state ->> 'ai_enabled')::boolean AS ai_enabled,
    c.state ->> 'department' AS department,
    c.state ->> 'last_customer_at' AS last_customer_at,
    c.state #>> '{pending_share,message_id}' AS share_id,
    c.state #>> '{pending_share,due_at}' AS share_due_at,
    c.state ->> 'runs' AS runs,
    k.platform_id, k.first_name, k.last_name, k.username, k.tags,
    left(m.content, 500) AS last_content, m.type AS last_type,
    m.created_at AS last_at
FROM conversations c
JOIN customers k ON k.id = c.customer_id
LEFT JOIN messages m ON m.id = c.last_message_id
WHERE c.tenant_id = $1 AND c.id = ANY($2::uuid[])
    AND c.last_message_id IS NOT NULL;
