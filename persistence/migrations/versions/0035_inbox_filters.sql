-- Why: operators look for the conversations of their department, and for the customer
-- who has waited longest. Both are written with each state, from it.
ALTER TABLE conversations
    ADD COLUMN department text,
    ADD COLUMN waiting_since timestamptz;

-- Of older states nobody noted when the wait began: from the first open question on, or
-- from the last that is known. The code reads it from the state as well.
WITH waiting AS (
    SELECT c.id, coalesce(
        (SELECT m.created_at FROM messages m WHERE m.id = (c.state #>> '{questions,0}')::uuid),
        (c.state ->> 'last_customer_at')::timestamptz,
        c.updated_at) AS since
    FROM conversations c
    WHERE c.needs_operator OR jsonb_array_length(coalesce(c.state -> 'questions', '[]')) > 0
)
UPDATE conversations c SET
    waiting_since = w.since,
    state = jsonb_set(c.state, '{inbox}', coalesce(c.state -> 'inbox', '{}')
        || jsonb_build_object('waiting_since', w.since))
FROM waiting w WHERE w.id = c.id;
UPDATE conversations SET department = state ->> 'department'
WHERE state ->> 'department' IS NOT NULL;

CREATE INDEX conversations_waiting ON conversations (tenant_id, waiting_since, id)
    WHERE waiting_since IS NOT NULL;

-- The rows of the inbox as they are shown. Of the state, which may be large, only what
-- is shown is read, and of the last message its beginning. A conversation that has only
-- an unsent message is not shown.
CREATE VIEW inbox_rows AS
SELECT c.tenant_id, c.id, c.status, c.source, c.channel_id, c.customer_id,
    c.needs_operator, c.updated_at, c.last_message_id,
    (c.state ->> 'ai_enabled')::boolean AS ai_enabled, c.department,
    c.state ->> 'last_customer_at' AS last_customer_at,
    c.state #>> '{pending_share,message_id}' AS share_id,
    c.state #>> '{pending_share,due_at}' AS share_due_at,
    c.state ->> 'runs' AS runs,
    k.platform_id, k.first_name, k.last_name, k.username, k.tags,
    left(m.content, 500) AS last_content, m.type AS last_type,
    m.created_at AS last_at, c.waiting_since,
    coalesce((c.state #>> '{inbox,newest_position}')::bigint, 0) AS newest_position
FROM conversations c
JOIN customers k ON k.id = c.customer_id
LEFT JOIN messages m ON m.id = c.last_message_id
WHERE c.last_message_id IS NOT NULL;
