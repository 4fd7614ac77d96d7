-- fetch_needs_person --
-- Customers who wait and whom the AI does not answer, the longest wait first: a customer
-- who waits for the AI is its own affair until a person is needed.
SELECT c.*, is_unread(
    $2, r.position, c.newest_position, c.newest_user_id, c.others_position) AS is_unread
FROM inbox_rows c LEFT JOIN read_marks r
    ON r.tenant_id = $1 AND r.user_id = $2 AND r.conversation_id = c.id
WHERE c.tenant_id = $1 AND c.waiting_since IS NOT NULL AND c.status <> 'closed'
    AND (c.needs_operator OR c.status <> 'active' OR NOT c.ai_enabled)
    AND c.snoozed_until IS NULL
    AND ($4::uuid[] IS NULL OR c.id = ANY($4))
    AND (c.waiting_since, c.id) > (coalesce($5::timestamptz, '-infinity'),
        coalesce($6::uuid, '00000000-0000-0000-0000-000000000000'))
ORDER BY c.waiting_since, c.id LIMIT $3;

-- fetch_mine --
-- What the reader looks after, the newest change first.
SELECT c.*, is_unread(
    $2, r.position, c.newest_position, c.newest_user_id, c.others_position) AS is_unread
FROM inbox_rows c LEFT JOIN read_marks r
    ON r.tenant_id = $1 AND r.user_id = $2 AND r.conversation_id = c.id
WHERE c.tenant_id = $1 AND c.assignee_id = $2 AND c.status <> 'closed'
    AND ($4::uuid[] IS NULL OR c.id = ANY($4))
    AND c.updated_at <= coalesce($5::timestamptz, 'infinity')
    AND ($5 IS NULL OR c.updated_at < $5 OR c.id > $6::uuid)
ORDER BY c.updated_at DESC, c.id LIMIT $3;

-- fetch_led_by_ai --
-- What the AI answers, the newest change first.
SELECT c.*, is_unread(
    $2, r.position, c.newest_position, c.newest_user_id, c.others_position) AS is_unread
FROM inbox_rows c LEFT JOIN read_marks r
    ON r.tenant_id = $1 AND r.user_id = $2 AND r.conversation_id = c.id
WHERE c.tenant_id = $1 AND c.status = 'active' AND c.ai_enabled AND NOT c.needs_operator
    AND ($4::uuid[] IS NULL OR c.id = ANY($4))
    AND c.updated_at <= coalesce($5::timestamptz, 'infinity')
    AND ($5 IS NULL OR c.updated_at < $5 OR c.id > $6::uuid)
ORDER BY c.updated_at DESC, c.id LIMIT $3;

-- fetch_awaiting_customer --
-- What a person leads and has answered, and what was put aside.
SELECT c.*, is_unread(
    $2, r.position, c.newest_position, c.newest_user_id, c.others_position) AS is_unread
FROM inbox_rows c LEFT JOIN read_marks r
    ON r.tenant_id = $1 AND r.user_id = $2 AND r.conversation_id = c.id
WHERE c.tenant_id = $1 AND c.status <> 'closed'
    AND (c.snoozed_until IS NOT NULL OR c.waiting_since IS NULL
        AND (c.status <> 'active' OR NOT c.ai_enabled))
    AND ($4::uuid[] IS NULL OR c.id = ANY($4))
    AND c.updated_at <= coalesce($5::timestamptz, 'infinity')
    AND ($5 IS NULL OR c.updated_at < $5 OR c.id > $6::uuid)
ORDER BY c.updated_at DESC, c.id LIMIT $3;

-- fetch_closed --
-- What was closed, the newest change first.
SELECT c.*, is_unread(
    $2, r.position, c.newest_position, c.newest_user_id, c.others_position) AS is_unread
FROM inbox_rows c LEFT JOIN read_marks r
    ON r.tenant_id = $1 AND r.user_id = $2 AND r.conversation_id = c.id
WHERE c.tenant_id = $1 AND c.status = 'closed'
    AND ($4::uuid[] IS NULL OR c.id = ANY($4))
    AND c.updated_at <= coalesce($5::timestamptz, 'infinity')
    AND ($5 IS NULL OR c.updated_at < $5 OR c.id > $6::uuid)
ORDER BY c.updated_at DESC, c.id LIMIT $3;

-- count_views --
-- How many each view holds, each only so far that there are more than anybody counts.
SELECT
    (SELECT count(*) FROM (
        SELECT FROM conversations c
        WHERE c.tenant_id = $1 AND c.waiting_since IS NOT NULL AND c.status <> 'closed'
            AND (c.needs_operator OR c.status <> 'active'
                OR NOT (c.state ->> 'ai_enabled')::boolean)
            AND c.snoozed_until IS NULL AND c.last_message_id IS NOT NULL
        LIMIT $3) AS counted) AS needs_person,
    (SELECT count(*) FROM (
        SELECT FROM conversations c
        WHERE c.tenant_id = $1 AND c.assignee_id = $2 AND c.status <> 'closed'
            AND c.last_message_id IS NOT NULL
        LIMIT $3) AS counted) AS mine,
    (SELECT count(*) FROM (
        SELECT FROM conversations c
        WHERE c.tenant_id = $1 AND c.status = 'active' AND NOT c.needs_operator
            AND (c.state ->> 'ai_enabled')::boolean AND c.last_message_id IS NOT NULL
        LIMIT $3) AS counted) AS led_by_ai,
    (SELECT count(*) FROM (
        SELECT FROM conversations c
        WHERE c.tenant_id = $1 AND c.status <> 'closed' AND c.last_message_id IS NOT NULL
            AND (c.snoozed_until IS NOT NULL OR c.waiting_since IS NULL
                AND (c.status <> 'active' OR NOT (c.state ->> 'ai_enabled')::boolean))
        LIMIT $3) AS counted) AS awaiting_customer,
    (SELECT count(*) FROM (
        SELECT FROM conversations c
        WHERE c.tenant_id = $1 AND c.status = 'closed' AND c.last_message_id IS NOT NULL
        LIMIT $3) AS counted) AS closed;

-- fetch_thread --
-- The messages before a position, the newest so many, oldest first.
SELECT * FROM (
    SELECT * FROM messages WHERE tenant_id = $1 AND conversation_id = $2
        AND ($3::bigint IS NULL OR position < $3)
    ORDER BY position DESC, seq DESC LIMIT $4
) AS latest ORDER BY position, seq;

-- fetch_thread_notes --
-- The notes between two positions, oldest first; of an author who is gone there is no
-- name.
SELECT n.id, n.position, n.user_id, u.username, n.content, n.created_at
FROM notes n LEFT JOIN users u ON u.id = n.user_id AND u.tenant_id = n.tenant_id
WHERE n.tenant_id = $1 AND n.conversation_id = $2 AND n.position >= $3
    AND ($4::bigint IS NULL OR n.position < $4)
ORDER BY n.position;
