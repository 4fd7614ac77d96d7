-- fetch_dedupe_keys --
-- The events of a conversation that a platform may repeat, and the ids under which it
-- may report our messages and theirs again. Older ones are repeated by nobody.
SELECT e.id, NULL AS mid FROM conversation_events e
WHERE e.tenant_id = $1 AND e.conversation_id = $2 AND e.at > $3
UNION ALL
SELECT NULL, m.platform_id FROM messages m
WHERE m.tenant_id = $1 AND m.conversation_id = $2 AND m.created_at > $3
    AND m.platform_id IS NOT NULL
UNION ALL
SELECT NULL, o.platform_id FROM outbox o JOIN messages m ON m.id = o.message_id
WHERE o.tenant_id = $1 AND m.conversation_id = $2 AND o.created_at > $3
    AND o.platform_id IS NOT NULL;

-- insert_forgotten --
-- Keyed hashes alone: nobody finds a person by them who has not the key.
INSERT INTO forgotten_events (digest, tenant_id)
SELECT digest, $1 FROM unnest($2::bytea[]) AS f (digest)
ON CONFLICT (digest) DO NOTHING;

-- insert_tombstone --
-- That a customer was forgotten, when and by whom.
INSERT INTO erasures (id, tenant_id, user_id, erased_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO NOTHING;

-- erase_proofs --
-- Prompts, questions and what was understood of them.
DELETE FROM answer_proofs WHERE tenant_id = $1 AND conversation_id = $2;

-- erase_outbox --
-- Parts of our messages, found by these: they have no index by conversation.
DELETE FROM outbox WHERE tenant_id = $1 AND message_id IN (
    SELECT id FROM messages WHERE conversation_id = $2);

-- erase_messages --
-- Words, combined texts, media, ratings and traces.
DELETE FROM messages WHERE tenant_id = $1 AND conversation_id = $2;

-- erase_events --
-- The history. Keyed hashes of its ids were stored before: see `insert_forgotten`.
DELETE FROM conversation_events WHERE tenant_id = $1 AND conversation_id = $2;

-- erase_dead_letters --
-- Events that could not be stored, which hold words as well.
DELETE FROM dead_letters WHERE tenant_id = $1 AND conversation_id = $2;

-- erase_timers --
-- Nothing falls due any more.
DELETE FROM timers WHERE conversation_id = $1;

-- erase_variant --
-- The way of answering that the conversation was given.
DELETE FROM conversation_variants WHERE tenant_id = $1 AND conversation_id = $2;

-- erase_steps --
-- What the nodes of workflows did, in which words of the customer may stand.
DELETE FROM workflow_steps WHERE tenant_id = $1 AND run_id IN (
    SELECT id FROM workflow_runs WHERE conversation_id = $2);

-- erase_runs --
-- Runs of workflows.
DELETE FROM workflow_runs WHERE tenant_id = $1 AND conversation_id = $2;

-- erase_notes --
-- What operators noted about the customer.
DELETE FROM notes WHERE tenant_id = $1 AND conversation_id = $2;

-- erase_read_marks --
-- How far operators have read.
DELETE FROM read_marks WHERE tenant_id = $1 AND conversation_id = $2;

-- erase_conversation --
-- The state, which holds words and the platform's id as well.
DELETE FROM conversations WHERE tenant_id = $1 AND id = $2;

-- erase_customer --
-- The card: names, platform id, tags, attributes and notes.
DELETE FROM customers WHERE tenant_id = $1 AND id = $2;

-- erase_request --
-- What the command line asked for is done.
DELETE FROM erasure_requests WHERE conversation_id = $1;

-- insert_request --
-- The shard that holds the conversation erases it.
INSERT INTO erasure_requests (conversation_id, tenant_id, slot)
SELECT c.id, c.tenant_id, c.slot FROM conversations c
WHERE c.tenant_id = $1 AND c.customer_id = $2
ON CONFLICT (conversation_id) DO NOTHING;

-- insert_tenant_requests --
-- All conversations of a tenant that is to be deleted.
INSERT INTO erasure_requests (conversation_id, tenant_id, slot)
SELECT c.id, c.tenant_id, c.slot FROM conversations c WHERE c.tenant_id = $1
ON CONFLICT (conversation_id) DO NOTHING;

-- fetch_requests --
-- What a shard is asked to erase, the oldest request first.
SELECT conversation_id FROM erasure_requests
WHERE slot % $2::int = $1::int ORDER BY asked_at LIMIT $3;

-- count_requests --
-- How many of a tenant's requests are still open.
SELECT count(*) FROM erasure_requests WHERE tenant_id = $1;

-- fetch_requested --
-- A tenant's open requests, for a command line whose runtime is down.
SELECT r.conversation_id, c.customer_id
FROM erasure_requests r LEFT JOIN conversations c ON c.id = r.conversation_id
WHERE r.tenant_id = $1 LIMIT $2;

-- fetch_customer_tenant --
-- The tenant of a customer whom the command line names.
SELECT tenant_id FROM customers WHERE id = $1;

-- prune_forgotten --
-- No platform repeats a delivery so late: the hashes are of no use any more.
DELETE FROM forgotten_events WHERE digest IN (
    SELECT digest FROM forgotten_events WHERE erased_at < $1 LIMIT $2);
