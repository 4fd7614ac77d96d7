-- fetch_events_page --
-- What happened to a conversation, oldest first. What its author took back is not
-- shown here either: neither the words nor what they were changed to. A customer's are
-- not even stored any more; the shop's own are, for a replay cuts them into parts again.
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
ORDER BY e.version LIMIT $3 OFFSET $4;

-- count_events --
-- Apart from the page, which reads only as many rows as it shows.
SELECT count(*) FROM conversation_events
WHERE tenant_id = $1 AND conversation_id = $2;

-- fetch_history --
-- All that a replay needs in one snapshot: the stored state is the one that these
-- events made, also while the conversation goes on.
SELECT c.state::text AS state, e.version, e.kind, e.payload::text AS payload
FROM conversations c
LEFT JOIN conversation_events e ON e.conversation_id = c.id
WHERE c.id = $1
ORDER BY e.version;
