-- fetch_events_page --
-- The events of a conversation, oldest first. Unsent texts are not shown here either,
-- nor what they were edited to. A customer's are not even stored any more; the shop's
-- own are, since a replay splits them into parts again.
SELECT e.id, e.version, e.kind, e.at,
    CASE WHEN e.kind IN (
            'CustomerWrote', 'CustomerShared', 'MessageEdited', 'EchoReceived',
            'OperatorAnswered', 'ReplyWritten')
        AND EXISTS (
            SELECT FROM messages m
            WHERE m.id = ANY(e.id || e.message_ids) AND m.metadata ? 'unsent')
        THEN e.payload - '{text,content,media,trace}'::text[]
        ELSE e.payload END AS payload
FROM conversation_events e
WHERE e.tenant_id = $1 AND e.conversation_id = $2
    AND e.version > coalesce($5::bigint, 0)
ORDER BY e.version LIMIT $3 OFFSET $4;

-- count_events --
-- Separate from the page, and only so far that there are more than anybody counts.
SELECT count(*) FROM (
    SELECT FROM conversation_events WHERE tenant_id = $1 AND conversation_id = $2
    LIMIT $3
) AS counted;

-- fetch_history --
-- The input of a replay in one snapshot: the stored state is the one that these events
-- made, also while the conversation goes on.
SELECT c.state::text AS state, c.pruned_version, e.version, e.kind, e.payload::text AS payload
FROM conversations c
LEFT JOIN conversation_events e ON e.conversation_id = c.id
WHERE c.id = $1
ORDER BY e.version;

-- fetch_first_events --
-- The input of a replay up to one event, for a tenant's own conversation.
SELECT c.pruned_version, e.version, e.kind, e.payload::text AS payload
FROM conversations c
LEFT JOIN conversation_events e ON e.conversation_id = c.id AND e.version <= $3
WHERE c.tenant_id = $1 AND c.id = $2
ORDER BY e.version LIMIT $4;
