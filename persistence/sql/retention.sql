-- fetch_prune_bounds --
-- The oldest message of all tenants, and the time by the database's clock. It reads the
-- whole table, once an hour and only where a retention is set: an index would be paid
-- for by each message.
SELECT min(created_at) AS oldest, now() AS now FROM messages;

-- fetch_expired --
-- Conversations of all tenants whose last message is too old, whatever an operator did to
-- them since. One without any message counts from its last change.
SELECT c.id, c.version
FROM conversations c LEFT JOIN messages m ON m.id = c.last_message_id
WHERE c.slot % $2::int = $1::int AND c.id > $4
    AND coalesce(m.created_at, c.updated_at) < $3
    AND NOT EXISTS (
        SELECT FROM messages n WHERE n.conversation_id = c.id AND n.created_at >= $3)
ORDER BY c.id LIMIT $5;

-- fetch_page --
-- Conversations of all tenants that may hold something too old.
SELECT id FROM conversations
WHERE slot % $2::int = $1::int AND id > $4 AND created_at < $3
ORDER BY id LIMIT $5;

-- prune_proofs --
-- Before their messages, by which they are found.
DELETE FROM answer_proofs p USING messages m
WHERE m.conversation_id = ANY($1::uuid[]) AND m.created_at < $2 AND p.message_id = m.id;

-- prune_outbox --
-- Parts of messages that go.
DELETE FROM outbox o USING messages m
WHERE m.conversation_id = ANY($1::uuid[]) AND m.created_at < $2 AND o.message_id = m.id;

-- prune_notes --
-- What operators noted is no younger than what it is about.
DELETE FROM notes WHERE conversation_id = ANY($1::uuid[]) AND created_at < $2;

-- prune_messages --
-- Words, media and traces.
DELETE FROM messages WHERE conversation_id = ANY($1::uuid[]) AND created_at < $2;

-- note_pruned --
-- A replay says that the beginning is gone. Only a beginning goes: a clock that jumped
-- must leave no hole in a history.
UPDATE conversations c SET pruned_version = p.version
FROM (
    SELECT e.conversation_id, max(e.version) AS version FROM conversation_events e
    WHERE e.conversation_id = ANY($1::uuid[]) AND e.at < $2
        AND NOT EXISTS (
            SELECT FROM conversation_events n
            WHERE n.conversation_id = e.conversation_id AND n.version < e.version
                AND n.at >= $2)
    GROUP BY e.conversation_id
) p
WHERE c.id = p.conversation_id;

-- prune_events --
-- The history up to the version that was noted; no platform repeats events so old.
DELETE FROM conversation_events e USING conversations c
WHERE c.id = ANY($1::uuid[]) AND e.conversation_id = c.id
    AND e.version <= c.pruned_version AND e.at < $2;
