-- Why: each operator sees which conversations have news for them. The mark is theirs
-- alone, and no event of the conversation.
CREATE TABLE read_marks (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- With the conversation its marks go; none is set when it is gone already.
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, user_id, conversation_id)
);
CREATE INDEX read_marks_conversation ON read_marks (conversation_id);
CREATE INDEX read_marks_user ON read_marks (user_id);

-- Written with each state, from it: see InboxState.
ALTER TABLE conversations
    ADD COLUMN newest_position bigint NOT NULL DEFAULT 0,
    ADD COLUMN newest_user_id uuid,
    ADD COLUMN others_position bigint NOT NULL DEFAULT 0;
UPDATE conversations SET
    newest_position = coalesce((state #>> '{inbox,newest_position}')::bigint, 0),
    newest_user_id = (state #>> '{inbox,newest_user_id}')::uuid,
    others_position = coalesce((state #>> '{inbox,others_position}')::bigint, 0)
WHERE state -> 'inbox' IS NOT NULL;

-- Whether a reader has not seen the newest message that somebody else wrote; null
-- without a reader.
CREATE FUNCTION is_unread(
    reader uuid, mark bigint, newest bigint, author uuid, others bigint
) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN
    CASE WHEN reader IS NOT NULL
        THEN CASE WHEN author = reader THEN others ELSE newest END > coalesce(mark, 0)
    END;

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
    c.newest_user_id, c.others_position
FROM conversations c
JOIN customers k ON k.id = c.customer_id
LEFT JOIN messages m ON m.id = c.last_message_id
WHERE c.last_message_id IS NOT NULL;
