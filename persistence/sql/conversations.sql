-- fetch_conversations_page --
-- A tenant's inbox, the newest change first; the words match customer or messages. The
-- offset keeps the planner from searching the messages of all tenants at once.
SELECT c.*, is_unread(
    $2, r.position, c.newest_position, c.newest_user_id, c.others_position) AS is_unread
FROM inbox_rows c LEFT JOIN read_marks r
    ON r.tenant_id = $1 AND r.user_id = $2 AND r.conversation_id = c.id
WHERE c.tenant_id = $1
    AND ($3::text IS NULL OR c.status = $3)
    AND ($4::text IS NULL OR c.source = $4)
    AND ($5::text IS NULL OR c.department = $5)
    AND ($6::uuid IS NULL OR c.channel_id = $6)
    AND ($7::boolean IS NULL OR c.needs_operator = $7)
    AND ($8::boolean IS NULL OR $8 = is_unread(
        $2, r.position, c.newest_position, c.newest_user_id, c.others_position))
    AND ($9::boolean IS NULL OR $9 = (c.assignee_id IS NOT DISTINCT FROM $2))
    AND ($10::boolean IS NULL OR $10 = (c.snoozed_until IS NOT NULL))
    AND ($11::boolean IS NULL OR (c.waiting_since IS NOT NULL) = $11)
    AND ($12::text IS NULL
        OR concat_ws(' ', c.first_name, c.last_name, c.username, c.platform_id) ~* $12
        OR EXISTS (
            SELECT FROM (
                SELECT content FROM messages WHERE conversation_id = c.id OFFSET 0
            ) AS said WHERE said.content ~* $12))
    AND c.updated_at <= coalesce($15::timestamptz, 'infinity')
    AND ($15 IS NULL OR c.updated_at < $15 OR c.id > $16::uuid)
ORDER BY c.updated_at DESC, c.id
LIMIT $13 OFFSET $14;

-- count_conversations --
-- Separate from the page, and only so far that there are more than anybody counts. A
-- search is not counted: it would be made twice. Nor is what no index finds.
SELECT count(*) FROM (
    SELECT FROM conversations c
    WHERE c.tenant_id = $1 AND c.last_message_id IS NOT NULL
        AND ($2::text IS NULL OR c.status = $2)
        AND ($3::text IS NULL OR c.source = $3)
    LIMIT $4
) AS counted;

-- fetch_waiting_page --
-- Customers who wait, the newest change first: a statement of its own, so that however
-- it is planned it reads the few that wait. Whoever needs an operator waits.
SELECT c.*, is_unread(
    $2, r.position, c.newest_position, c.newest_user_id, c.others_position) AS is_unread
FROM inbox_rows c LEFT JOIN read_marks r
    ON r.tenant_id = $1 AND r.user_id = $2 AND r.conversation_id = c.id
WHERE c.tenant_id = $1 AND c.waiting_since IS NOT NULL
    AND ($3::text IS NULL OR c.status = $3)
    AND ($4::text IS NULL OR c.source = $4)
    AND ($5::text IS NULL OR c.department = $5)
    AND ($6::uuid IS NULL OR c.channel_id = $6)
    AND ($7::boolean IS NULL OR c.needs_operator = $7)
    AND ($8::boolean IS NULL OR $8 = is_unread(
        $2, r.position, c.newest_position, c.newest_user_id, c.others_position))
    AND ($9::boolean IS NULL OR $9 = (c.assignee_id IS NOT DISTINCT FROM $2))
    AND ($10::boolean IS NULL OR $10 = (c.snoozed_until IS NOT NULL))
    AND ($13::timestamptz IS NULL OR c.updated_at < $13
        OR c.updated_at = $13 AND c.id > $14::uuid)
ORDER BY c.updated_at DESC, c.id
LIMIT $11 OFFSET $12;

-- fetch_longest_waiting_page --
-- The same customers, the longest wait first, in the order of the index.
SELECT c.*, is_unread(
    $2, r.position, c.newest_position, c.newest_user_id, c.others_position) AS is_unread
FROM inbox_rows c LEFT JOIN read_marks r
    ON r.tenant_id = $1 AND r.user_id = $2 AND r.conversation_id = c.id
WHERE c.tenant_id = $1 AND c.waiting_since IS NOT NULL
    AND ($3::text IS NULL OR c.status = $3)
    AND ($4::text IS NULL OR c.source = $4)
    AND ($5::text IS NULL OR c.department = $5)
    AND ($6::uuid IS NULL OR c.channel_id = $6)
    AND ($7::boolean IS NULL OR c.needs_operator = $7)
    AND ($8::boolean IS NULL OR $8 = is_unread(
        $2, r.position, c.newest_position, c.newest_user_id, c.others_position))
    AND ($9::boolean IS NULL OR $9 = (c.assignee_id IS NOT DISTINCT FROM $2))
    AND ($10::boolean IS NULL OR $10 = (c.snoozed_until IS NOT NULL))
    AND (c.waiting_since, c.id) > (coalesce($13::timestamptz, '-infinity'),
        coalesce($14::uuid, '00000000-0000-0000-0000-000000000000'))
ORDER BY c.waiting_since, c.id
LIMIT $11 OFFSET $12;

-- fetch_assigned_page --
-- The reader's own conversations, the newest change first, by an index of theirs.
SELECT c.*, is_unread(
    $2, r.position, c.newest_position, c.newest_user_id, c.others_position) AS is_unread
FROM inbox_rows c LEFT JOIN read_marks r
    ON r.tenant_id = $1 AND r.user_id = $2 AND r.conversation_id = c.id
WHERE c.tenant_id = $1 AND c.assignee_id = $2
    AND ($3::text IS NULL OR c.status = $3)
    AND ($4::text IS NULL OR c.source = $4)
    AND ($5::text IS NULL OR c.department = $5)
    AND ($6::uuid IS NULL OR c.channel_id = $6)
    AND ($7::boolean IS NULL OR c.needs_operator = $7)
    AND ($8::boolean IS NULL OR $8 = is_unread(
        $2, r.position, c.newest_position, c.newest_user_id, c.others_position))
    AND ($9::boolean IS NULL OR $9)
    AND ($10::boolean IS NULL OR $10 = (c.snoozed_until IS NOT NULL))
    AND ($11::boolean IS NULL OR (c.waiting_since IS NOT NULL) = $11)
    AND c.updated_at <= coalesce($14::timestamptz, 'infinity')
    AND ($14 IS NULL OR c.updated_at < $14 OR c.id > $15::uuid)
ORDER BY c.updated_at DESC, c.id
LIMIT $12 OFFSET $13;

-- count_waiting --
-- Of the customers who wait only so many that there are more than anybody counts.
SELECT count(*) FROM (
    SELECT FROM conversations c LEFT JOIN read_marks r
        ON r.tenant_id = $1 AND r.user_id = $2 AND r.conversation_id = c.id
    WHERE c.tenant_id = $1 AND c.waiting_since IS NOT NULL
        AND c.last_message_id IS NOT NULL
        AND ($3::text IS NULL OR c.status = $3)
        AND ($4::text IS NULL OR c.source = $4)
        AND ($5::text IS NULL OR c.department = $5)
        AND ($6::uuid IS NULL OR c.channel_id = $6)
        AND ($7::boolean IS NULL OR c.needs_operator = $7)
        AND ($8::boolean IS NULL OR $8 = is_unread(
            $2, r.position, c.newest_position, c.newest_user_id, c.others_position))
        AND ($9::boolean IS NULL OR $9 = (c.assignee_id IS NOT DISTINCT FROM $2))
        AND ($10::boolean IS NULL OR $10 = (c.snoozed_until IS NOT NULL))
    LIMIT $11
) AS counted;

-- fetch_conversation_channel --
-- Limits count by channel.
SELECT channel_id FROM conversations WHERE tenant_id = $1 AND id = $2;

-- fetch_conversations --
-- Conversations by id, as far as they are this tenant's and have a message.
SELECT c.*, is_unread(
    $2, r.position, c.newest_position, c.newest_user_id, c.others_position) AS is_unread
FROM inbox_rows c LEFT JOIN read_marks r
    ON r.tenant_id = $1 AND r.user_id = $2 AND r.conversation_id = c.id
WHERE c.tenant_id = $1 AND c.id = ANY($3::uuid[]);
