-- raise_epoch --
-- A starting process claims the shard; the previous holder fails at its next write. The
-- sequence continues above every other shard's, so that a conversation that moves to
-- another shard keeps its messages in order.
INSERT INTO shards (shard, epoch, seq, started_at)
VALUES ($1, 1, (SELECT coalesce(max(seq), 0) FROM shards), now())
ON CONFLICT (shard) DO UPDATE SET
    epoch = shards.epoch + 1,
    seq = (SELECT max(seq) FROM shards),
    started_at = now()
RETURNING epoch, seq;

-- renew_epoch --
-- After a commit whose outcome was lost: it may still be under way, and must not happen
-- once states and timers were read again. If it holds the shard's row already, this
-- statement waits for it; if not, the sequence number that it names is used up here.
UPDATE shards SET seq = seq + 1 WHERE shard = $1 AND epoch = $2 RETURNING seq;

-- fence_all --
-- A starting runtime fences every shard of an earlier one, also of one with more shards.
UPDATE shards SET epoch = epoch + 1;

-- fetch_before_deciding --
-- The input of a batch in one round trip: the states that are not in memory, and the
-- events that are stored already, since a webhook may be delivered twice. Ids come as
-- JSON, too: the driver takes long over each element of an array.
SELECT 'state' AS kind, id, 0::bigint AS seq, state::text AS state
FROM conversations
WHERE id = ANY(ARRAY(SELECT json_array_elements_text($1)::uuid))
UNION ALL
SELECT 'event', id, seq, NULL FROM conversation_events
WHERE id = ANY(ARRAY(SELECT json_array_elements_text($2)::uuid))
UNION ALL
-- Events of erased conversations have neither an id nor a number any more.
SELECT 'forgotten', NULL, 0, encode(digest, 'hex') FROM forgotten_events
WHERE digest = ANY(ARRAY(SELECT decode(json_array_elements_text($3), 'hex')));

-- fetch_timers --
-- All timers of a shard, which it arms at its start.
SELECT conversation_id, kind, slot, due_at FROM timers
WHERE slot % $2::int = $1::int ORDER BY due_at;

-- commit_batch --
-- One batch, in one statement and so one transaction and one round trip. The fence comes
-- first: when another has this shard, or the number that we count on from was taken, or
-- a conversation has a newer version than ours, the statement fails and nothing of it is
-- written. Only the channels of new customers are looked for, and held until the commit:
-- whoever removes one waits; all else that these tables refer to is written here, beside
-- it, and never deleted. Rows come as JSON, one text per table, so that each column is
-- named beside its type; what they hold as JSON is text in there.
WITH fence AS (
    UPDATE shards SET seq = $3 WHERE shard = $1 AND epoch = $2 AND seq = $4
    RETURNING seq
), held AS (
    SELECT id FROM channels WHERE id = ANY($15::uuid[]) FOR KEY SHARE
), new_customers AS (
    -- A name that is there already, an operator's perhaps, stays; the platform's own
    -- name of the customer is the newest.
    INSERT INTO customers AS known (
        id, tenant_id, channel_id, platform_id, created_at, first_name, last_name,
        username
    )
    SELECT * FROM json_to_recordset($5) AS r (
        id uuid, tenant_id uuid, channel_id uuid, platform_id text,
        created_at timestamptz, first_name text, last_name text, username text
    )
    ON CONFLICT (id) DO UPDATE SET
        first_name = CASE WHEN known.first_name || known.last_name = ''
            THEN excluded.first_name ELSE known.first_name END,
        last_name = CASE WHEN known.first_name || known.last_name = ''
            THEN excluded.last_name ELSE known.last_name END,
        username = excluded.username
), new_states AS (
    -- Columns that lists filter by are read from the state here. The offset keeps it
    -- from being parsed for each of them.
    INSERT INTO conversations (
        id, tenant_id, channel_id, customer_id, source, slot, version, state, status,
        needs_operator, last_message_id, created_at, updated_at, department,
        waiting_since, newest_position, newest_user_id, others_position,
        assignee_id, snoozed_until
    )
    SELECT id, tenant_id, channel_id, customer_id, source, slot, version, parsed,
        status, needs_operator, last_message_id, created_at, updated_at,
        parsed ->> 'department',
        (parsed #>> '{inbox,waiting_since}')::timestamptz,
        (parsed #>> '{inbox,newest_position}')::bigint,
        (parsed #>> '{inbox,newest_user_id}')::uuid,
        (parsed #>> '{inbox,others_position}')::bigint,
        (parsed #>> '{inbox,assignee_id}')::uuid,
        (parsed #>> '{inbox,snoozed_until}')::timestamptz
    FROM (
        SELECT *, state::jsonb AS parsed FROM json_to_recordset($6) AS r (
            id uuid, tenant_id uuid, channel_id uuid, customer_id uuid, source text,
            slot smallint, version bigint, state text, status text,
            needs_operator boolean, last_message_id uuid, created_at timestamptz,
            updated_at timestamptz
        ) OFFSET 0
    ) AS newest
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version,
        state = excluded.state,
        status = excluded.status,
        needs_operator = excluded.needs_operator,
        last_message_id = excluded.last_message_id,
        updated_at = excluded.updated_at,
        department = excluded.department,
        waiting_since = excluded.waiting_since,
        newest_position = excluded.newest_position,
        newest_user_id = excluded.newest_user_id,
        others_position = excluded.others_position,
        assignee_id = excluded.assignee_id,
        snoozed_until = excluded.snoozed_until
    WHERE conversations.version < excluded.version
    RETURNING id
), new_events AS (
    -- The history, the dedupe record, and the feed: each row says what it touched.
    INSERT INTO conversation_events (
        id, conversation_id, tenant_id, version, shard, seq, at, kind, payload,
        message_ids
    )
    SELECT id, conversation_id, tenant_id, version, $1, seq, at, kind,
        payload::jsonb, message_ids
    FROM json_to_recordset($7) AS r (
        id uuid, conversation_id uuid, tenant_id uuid, version bigint, seq bigint,
        at timestamptz, kind text, payload text, message_ids uuid[]
    )
), new_messages AS (
    INSERT INTO messages (
        id, tenant_id, conversation_id, shard, seq, type, message_type, content,
        processing_status, platform_id, delivery, metadata, created_at,
        combined_content, position
    )
    SELECT id, tenant_id, conversation_id, $1, seq, type, message_type, content,
        processing_status, platform_id, delivery, metadata::jsonb, created_at,
        combined_content, position
    FROM json_to_recordset($8) AS r (
        id uuid, tenant_id uuid, conversation_id uuid, seq bigint, type text,
        message_type text, content text, processing_status text, platform_id text,
        delivery text, metadata text, created_at timestamptz, combined_content text,
        position bigint
    )
), new_proofs AS (
    -- Apart from the messages, so that lists of them stay small.
    INSERT INTO answer_proofs (message_id, tenant_id, conversation_id, proof)
    SELECT message_id, tenant_id, conversation_id, proof::jsonb
    FROM json_to_recordset($16) AS r (
        message_id uuid, tenant_id uuid, conversation_id uuid, proof text
    )
), updates AS (
    -- Changes of stored messages; null leaves a column as it is. An unsent message
    -- stays empty, whatever comes after.
    UPDATE messages SET
        processing_status = coalesce(p.processing_status, messages.processing_status),
        delivery = coalesce(p.delivery, messages.delivery),
        platform_id = coalesce(p.platform_id, messages.platform_id),
        content = CASE WHEN p.is_unsent OR messages.metadata ? 'unsent' THEN ''
            ELSE coalesce(p.content, messages.content) END,
        combined_content = CASE
            WHEN p.is_unsent OR messages.metadata ? 'unsent' THEN NULL
            ELSE coalesce(p.combined_content, CASE WHEN p.is_uncombined THEN NULL
                ELSE messages.combined_content END) END,
        metadata = CASE
            WHEN p.is_unsent OR messages.metadata ? 'unsent'
            THEN '{"unsent": true}'::jsonb
            ELSE messages.metadata
                || CASE WHEN p.reason = '' THEN '{}'::jsonb
                    ELSE jsonb_build_object('failure_reason', p.reason) END
                || CASE WHEN p.is_edited THEN '{"edited": true}'::jsonb
                    ELSE '{}'::jsonb END
                || CASE WHEN p.media = '[]' THEN '{}'::jsonb
                    ELSE jsonb_build_object('media',
                        coalesce(messages.metadata -> 'media', '[]'::jsonb)
                        || p.media::jsonb) END
            END,
        feedback = coalesce(p.feedback, messages.feedback),
        feedback_comment = coalesce(p.feedback_comment, messages.feedback_comment)
    FROM json_to_recordset($9) AS p (
        id uuid, processing_status text, delivery text, platform_id text, reason text,
        content text, combined_content text, media text, is_edited boolean,
        is_unsent boolean, is_uncombined boolean, feedback text, feedback_comment text
    )
    WHERE messages.id = p.id
), new_sends AS (
    -- The delivery status of each part of a message of ours.
    INSERT INTO outbox (
        id, conversation_id, message_id, tenant_id, channel_id, part, content,
        delivery, attempts, platform_id, error, updated_at, created_at
    )
    SELECT r.*, r.updated_at FROM json_to_recordset($10) AS r (
        id uuid, conversation_id uuid, message_id uuid, tenant_id uuid,
        channel_id uuid, part smallint, content text, delivery text,
        attempts smallint, platform_id text, error text, updated_at timestamptz
    )
    ON CONFLICT (id) DO UPDATE SET
        delivery = excluded.delivery,
        attempts = excluded.attempts,
        platform_id = coalesce(excluded.platform_id, outbox.platform_id),
        error = excluded.error,
        updated_at = excluded.updated_at
), armed AS (
    -- Setting a timer replaces the one before it, which can't fire any more.
    INSERT INTO timers (conversation_id, kind, slot, due_at)
    SELECT * FROM json_to_recordset($11) AS r (
        conversation_id uuid, kind text, slot smallint, due_at timestamptz
    )
    ON CONFLICT (conversation_id, kind) DO UPDATE SET due_at = excluded.due_at
), cleared AS (
    DELETE FROM timers USING unnest($12::uuid[], $13::text[]) AS t (id, kind)
    WHERE timers.conversation_id = t.id AND timers.kind = t.kind
)
SELECT
    CASE WHEN NOT EXISTS (SELECT FROM fence)
        THEN refuse_batch('another has this shard')
    WHEN (SELECT count(*) FROM new_states) <> json_array_length($6)
        THEN refuse_batch('a conversation has another writer')
    WHEN (SELECT count(*) FROM held) <> cardinality($15)
        THEN refuse_rows('a new customer is of a channel that is gone')
    END,
    -- Numbers only, once per batch: readers fetch the rows by cursor.
    pg_notify('pilito_messages', $14);

-- forget_combinations --
-- A question that was answered still holds the share that is unsent now, in the text that
-- the AI got; a reply holds what it replied to. Runs before the share is emptied: it is
-- found by its words, which stand between two line ends. Marks that were disarmed have
-- other brackets there.
UPDATE messages q SET combined_content = NULL
FROM messages s JOIN unnest($1::uuid[], $2::text[]) AS forgotten (conversation_id, mid)
    ON s.conversation_id = forgotten.conversation_id
    AND s.platform_id = forgotten.mid
WHERE q.conversation_id = s.conversation_id AND q.combined_content IS NOT NULL
    AND (q.metadata ->> 'reply_to_mid' = s.platform_id
        OR s.message_type = 'share' AND s.content <> '' AND position(
            E'\n' || translate(s.content, '[［【〔⟦〚❲⁅「『〖]］】〕⟧〛❳⁆」』〗',
                '((((((((((()))))))))))') || E'\n'
            IN translate(q.combined_content, '[［【〔⟦〚❲⁅「『〖]］】〕⟧〛❳⁆」』〗',
                '((((((((((()))))))))))')) > 0);

-- redact_events --
-- The history keeps no unsent text either. The remains decide the same in a replay: that
-- an event happened, whether it had words, and whether they were others than before
-- ("…", "…2"), but not which. An echo without a message of its own was matched with one
-- of ours: it holds the shop's words. Lines for which a person had to look ($3) become
-- one line ($4).
WITH unsent AS (
    SELECT e.id, coalesce(e.payload ->> 'text', '') AS text, dense_rank() OVER (
        PARTITION BY e.conversation_id, e.payload ->> 'mid',
            coalesce(e.payload ->> 'text', '') = ''
        ORDER BY e.payload ->> 'text' COLLATE "C"
    ) AS wording
    FROM conversation_events e
    JOIN unnest($1::uuid[], $2::text[]) AS forgotten (conversation_id, mid)
        ON e.conversation_id = forgotten.conversation_id
        AND e.payload ->> 'mid' = forgotten.mid
    WHERE e.kind IN ('CustomerWrote', 'CustomerShared', 'MessageEdited')
        OR (e.kind = 'EchoReceived' AND e.id = ANY(e.message_ids))
), parted AS (
    SELECT id, wording, $3::text <> '' AND text ~ $3::text AS is_marked,
        btrim(regexp_replace(text, $3::text, '', 'g'), E' \n') AS words
    FROM unsent
), worded AS (
    SELECT id, concat_ws(E'\n',
        CASE WHEN is_marked AND words = '' THEN NULL
            WHEN wording = 1 THEN '…' ELSE '…' || wording END,
        CASE WHEN is_marked THEN $4::text END) AS text
    FROM parted
)
UPDATE conversation_events e SET payload = e.payload || CASE e.kind
    WHEN 'CustomerShared' THEN '{"content": "", "media": []}'
    WHEN 'MessageEdited' THEN jsonb_build_object('text', worded.text)
    ELSE jsonb_build_object(
        'text', CASE e.payload ->> 'text' WHEN '' THEN '' ELSE worded.text END,
        'media', '[]'::jsonb)
        || CASE e.kind WHEN 'CustomerWrote' THEN '{"referred": ""}'::jsonb
            ELSE '{}'::jsonb END
    END
FROM worded
WHERE e.id = worded.id;
