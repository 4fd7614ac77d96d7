-- Why: operators share out the conversations among themselves, and put some aside until
-- a time. Both are written with each state, from it.
ALTER TABLE conversations
    -- No reference: the state names the person for longer than the person is there.
    ADD COLUMN assignee_id uuid,
    ADD COLUMN snoozed_until timestamptz;
CREATE INDEX conversations_assigned
    ON conversations (tenant_id, assignee_id, updated_at DESC, id)
    WHERE assignee_id IS NOT NULL;

-- Of an assignee who is gone there is no name.
CREATE OR REPLACE VIEW inbox_rows AS
SELECT c.tenant_id, c.id, c.status, c.source, c.channel_id, c.customer_id,
    c.needs_operator, c.updated_at, c.last_message_id,
    (c.state ->> 'ai_enabled')::boolean AS ai_enabled, c.department,
    c.state ->> 'last_customer_at' AS last_customer_at,
    c.state #>> '{pending_share,message_id}' AS share_id,
    c.state #>> '{pending_share,due_at}' AS share_due_at,
    c.state ->> 'runs' AS runs,
    k.platform_id, k.first_name, k.last_name, k.username, k.tags,
    left(m.content, 500) AS last_content, m.type AS last_type,
    m.created_at AS last_at, c.waiting_since, c.newest_position,
    c.newest_user_id, c.others_position, c.assignee_id,
    u.username AS assignee_name, c.snoozed_until
FROM conversations c
JOIN customers k ON k.id = c.customer_id
LEFT JOIN messages m ON m.id = c.last_message_id
LEFT JOIN users u ON u.id = c.assignee_id AND u.tenant_id = c.tenant_id
WHERE c.last_message_id IS NOT NULL;
