-- raise_epoch --
-- A starting shard takes its place; whoever held it stops at its next write. The
-- sequence goes on above every other shard's, so that a conversation that moves to
-- another shard keeps its messages in order.
INSERT INTO shards (shard, epoch, seq, started_at)
VALUES ($1, 1, (SELECT coalesce(max(seq), 0) FROM shards), now())
ON CONFLICT (shard) DO UPDATE SET
    epoch = shards.epoch + 1,
    seq = (SELECT max(seq) FROM shards),
    started_at = now()
RETURNING epoch, seq;

-- fetch_epoch --
-- Who holds a shard, asked after a commit whose outcome was lost.
SELECT epoch, seq FROM shards WHERE shard = $1;

-- fence_all --
-- A starting runtime takes the place of every shard of the one before it, also when
-- that one had another number of them.
UPDATE shards SET epoch = epoch + 1;

-- advance_seq --
-- The fence: no row comes back when another has taken this shard.
UPDATE shards SET seq = $3 WHERE shard = $1 AND epoch = $2 RETURNING seq;

-- fetch_states --
-- The states of the conversations that are not in memory.
SELECT id, state::text AS state FROM conversations WHERE id = ANY($1::uuid[]);

-- fetch_known_events --
-- Which of these events happened already: a webhook may be delivered twice.
SELECT id, seq FROM conversation_events WHERE id = ANY($1::uuid[]);

-- fetch_timers --
-- All timers of a shard, armed again at its start.
SELECT conversation_id, kind, due_at FROM timers
WHERE slot % $2::int = $1::int ORDER BY due_at;

-- record_customers --
-- A customer is made with the first event and never overwritten by later ones.
INSERT INTO customers (id, tenant_id, channel_id, platform_id, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])
ON CONFLICT (id) DO NOTHING;

-- record_conversations --
-- The state and its projections. A version that went backwards would mean two
-- writers: such a row is not updated, and the caller sees that one is missing.
INSERT INTO conversations (
    id, tenant_id, channel_id, customer_id, source, slot, version, state, status,
    needs_operator, last_message_id, created_at, updated_at
)
SELECT * FROM unnest(
    $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::smallint[],
    $7::bigint[], $8::text[]::jsonb[], $9::text[], $10::boolean[], $11::uuid[],
    $12::timestamptz[], $13::timestamptz[]
)
ON CONFLICT (id) DO UPDATE SET
    version = excluded.version,
    state = excluded.state,
    status = excluded.status,
    needs_operator = excluded.needs_operator,
    last_message_id = excluded.last_message_id,
    updated_at = excluded.updated_at
WHERE conversations.version < excluded.version;

-- record_events --
-- The history, and the dedupe record.
INSERT INTO conversation_events (
    id, conversation_id, version, shard, seq, at, kind, payload
)
SELECT e.id, e.conversation_id, e.version, $1, e.seq, e.at, e.kind, e.payload
FROM unnest(
    $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::text[],
    $8::text[]::jsonb[]
) AS e (id, conversation_id, version, seq, at, kind, payload);

-- record_messages --
-- New messages, each with the number of the event that made it.
INSERT INTO messages (
    id, tenant_id, conversation_id, shard, seq, type, message_type, content,
    processing_status, platform_id, delivery, metadata, created_at
)
SELECT m.id, m.tenant_id, m.conversation_id, $1, m.seq, m.type, m.message_type,
    m.content, m.processing_status, m.platform_id, m.delivery, m.metadata, m.created_at
FROM unnest(
    $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[]::jsonb[],
    $13::timestamptz[]
) AS m (
    id, tenant_id, conversation_id, seq, type, message_type, content,
    processing_status, platform_id, delivery, metadata, created_at
);

-- mark_messages --
-- How far customers' messages have come; a reason is kept where there is one.
UPDATE messages SET
    processing_status = m.processing_status,
    metadata = CASE WHEN m.reason = '' THEN messages.metadata
        ELSE messages.metadata || jsonb_build_object('failure_reason', m.reason) END
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS m (id, processing_status, reason)
WHERE messages.id = m.id;

-- record_sends --
-- Where each part of a message of ours stands.
INSERT INTO outbox (
    id, conversation_id, message_id, tenant_id, channel_id, part, content, delivery,
    attempts, platform_id, error, created_at, updated_at
)
SELECT s.*, s.updated_at FROM unnest(
    $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::smallint[],
    $7::text[], $8::text[], $9::smallint[], $10::text[], $11::text[],
    $12::timestamptz[]
) AS s (
    id, conversation_id, message_id, tenant_id, channel_id, part, content, delivery,
    attempts, platform_id, error, updated_at
)
ON CONFLICT (id) DO UPDATE SET
    delivery = excluded.delivery,
    attempts = excluded.attempts,
    platform_id = coalesce(excluded.platform_id, outbox.platform_id),
    error = excluded.error,
    updated_at = excluded.updated_at;

-- mark_deliveries --
-- A message stands where its last part stands.
UPDATE messages SET
    delivery = d.delivery,
    platform_id = coalesce(d.platform_id, messages.platform_id)
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS d (id, delivery, platform_id)
WHERE messages.id = d.id;

-- set_timers --
-- Setting a timer replaces the one before it: that one can't fire for this one.
INSERT INTO timers (conversation_id, kind, slot, due_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::timestamptz[])
ON CONFLICT (conversation_id, kind) DO UPDATE SET due_at = excluded.due_at;

-- clear_timers --
-- Timers that have done their work.
DELETE FROM timers USING unnest($1::uuid[], $2::text[]) AS t (conversation_id, kind)
WHERE timers.conversation_id = t.conversation_id AND timers.kind = t.kind;

-- notify_messages --
-- Ids only, once per batch: readers fetch what they care for by cursor.
SELECT pg_notify('pilito_messages', $1);
