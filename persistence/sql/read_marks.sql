-- mark_read --
-- Two windows of one person may report in any order: the mark only moves forward. What
-- is beyond the newest message can't have been read yet.
INSERT INTO read_marks AS known (tenant_id, user_id, conversation_id, position)
SELECT c.tenant_id, $2, c.id, least($4::bigint, c.newest_position)
FROM conversations c WHERE c.tenant_id = $1 AND c.id = $3
ON CONFLICT (tenant_id, user_id, conversation_id)
    DO UPDATE SET position = greatest(known.position, excluded.position)
RETURNING position;

-- delete_mark --
-- Unread again, by the person's own wish.
DELETE FROM read_marks WHERE tenant_id = $1 AND user_id = $2 AND conversation_id = $3;
