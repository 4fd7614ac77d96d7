-- fetch_messages_page --
-- A conversation's messages, oldest first.
SELECT * FROM messages
WHERE tenant_id = $1 AND conversation_id = $2
    AND ($5::bigint IS NULL OR (position, seq) > ($5, $6::bigint))
ORDER BY position, seq LIMIT $3 OFFSET $4;

-- count_messages --
-- Separate from the page, and only so far that there are more than anybody counts.
SELECT count(*) FROM (
    SELECT FROM messages WHERE tenant_id = $1 AND conversation_id = $2 LIMIT $3
) AS counted;

-- fetch_messages --
-- Messages by id, as far as they are this tenant's.
SELECT * FROM messages WHERE tenant_id = $1 AND id = ANY($2::uuid[]);

-- fetch_newer_messages --
-- What an operator has not seen yet; of very many the newest.
SELECT * FROM (
    SELECT * FROM messages
    WHERE tenant_id = $1 AND conversation_id = $2 AND position > $3
    ORDER BY position DESC, seq DESC LIMIT $4
) AS newest ORDER BY position, seq;

-- fetch_latest_messages --
-- The end of a conversation, for a visitor who opens the page.
SELECT * FROM (
    SELECT * FROM messages WHERE conversation_id = $1 ORDER BY seq DESC LIMIT $2
) AS latest ORDER BY seq;

-- fetch_questions --
-- The questions of one answer, oldest first. A share is handed over separately: in one
-- text with it the question could be cut away. A message brings the words that it refers
-- to. Where only the platform's id of these came, they are read: a part of ours or a
-- whole message. A message among the questions is there anyway.
SELECT q.message_type, q.content, q.created_at,
    coalesce(q.metadata ->> 'referred', answered.content, '') AS referred
FROM messages q LEFT JOIN LATERAL (
    SELECT CASE m.content WHEN '' THEN '' ELSE coalesce(o.content, m.content) END
        AS content
    FROM messages m LEFT JOIN outbox o ON o.message_id = m.id
        AND o.platform_id = q.metadata ->> 'reply_to_mid'
    WHERE q.metadata ? 'reply_to_mid' AND NOT q.metadata ? 'referred'
        AND m.conversation_id = $2 AND NOT m.id = ANY($3::uuid[])
        AND q.metadata ->> 'reply_to_mid' IN (m.platform_id, o.platform_id)
    LIMIT 1
) AS answered ON true
WHERE q.tenant_id = $1 AND q.conversation_id = $2 AND q.id = ANY($3::uuid[])
ORDER BY q.position, q.seq;

-- count_same_echoes --
-- The other conversations of a channel in which the owner's account said the same: an
-- automation says one text to many. What we sent ourselves has a delivery.
SELECT count(DISTINCT m.conversation_id)
FROM messages m JOIN conversations c ON c.id = m.conversation_id
WHERE m.tenant_id = $1 AND m.type = 'support' AND m.delivery IS NULL
    AND md5(m.content) = md5($4) AND m.content = $4 AND m.created_at >= $5
    AND c.channel_id = $2 AND m.conversation_id <> $3;

-- fetch_recent_turns --
-- The messages before the questions, newest first, and what answers were about. The
-- question stands in the proof, which is emptied when a message is unsent.
SELECT m.type, m.content, m.created_at,
    coalesce(m.metadata ->> 'referred', '') AS referred,
    coalesce(p.proof ->> 'question', '') AS question,
    coalesce(m.metadata ->> 'subject', '') AS subject,
    coalesce(m.metadata ->> 'subject_chunk_id', '') AS subject_chunk_id,
    coalesce((m.metadata ->> 'asked_back')::boolean, false) AS asked_back,
    coalesce(m.metadata -> 'sources' -> 0 IS NOT NULL, false) AS is_sourced
FROM messages m LEFT JOIN answer_proofs p ON p.message_id = m.id
WHERE m.tenant_id = $1 AND m.conversation_id = $2 AND NOT m.id = ANY($3::uuid[])
ORDER BY m.position DESC, m.seq DESC LIMIT $4;

-- fetch_chat_news --
-- One query for all connected visitors: the messages after each visitor's cursor.
SELECT m.id, m.conversation_id, m.seq, m.type, m.content, m.created_at
FROM unnest($1::uuid[], $2::bigint[]) AS visit (conversation_id, seq)
CROSS JOIN LATERAL (
    SELECT * FROM messages
    WHERE messages.conversation_id = visit.conversation_id
        AND messages.seq > visit.seq
    ORDER BY messages.seq LIMIT $3
) AS m
ORDER BY m.seq;

-- fetch_chat_writing --
-- Conversations in which the AI answers the newest message just now.
SELECT c.id FROM conversations c JOIN messages m ON m.id = c.last_message_id
WHERE c.id = ANY($1::uuid[]) AND m.processing_status = 'processing';

-- fetch_chat_start --
-- The cursor before the newest messages, for a visitor without one.
SELECT seq FROM messages WHERE conversation_id = $1
ORDER BY seq DESC OFFSET $2 LIMIT 1;
