-- The way back: the code before knows neither, and not the timer's kind.
DELETE FROM timers WHERE kind = 'snooze';
DROP VIEW inbox_rows;
ALTER TABLE conversations DROP COLUMN assignee_id, DROP COLUMN snoozed_until;
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
    m.created_at AS last_at, c.waiting_since, c.newest_position,
    c.newest_user_id, c.others_position
FROM conversations c
JOIN customers k ON k.id = c.customer_id
LEFT JOIN messages m ON m.id = c.last_message_id
WHERE c.last_message_id IS NOT NULL;
