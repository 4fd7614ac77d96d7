-- insert_dead_letter --
-- Keeps an event that can never be stored, once however often it is delivered. Old ones
-- go, and a tenant has no more than some: a bug must not fill the disk.
WITH gone AS (
    DELETE FROM dead_letters WHERE tenant_id = $2 AND created_at < $8::timestamptz - $9::interval
), held AS (
    SELECT count(*) AS letters FROM (
        SELECT FROM dead_letters WHERE tenant_id = $2 LIMIT $10::bigint) AS counted
)
INSERT INTO dead_letters (
    id, tenant_id, channel_id, conversation_id, kind, payload, error, created_at
)
SELECT $1, $2, $3, $4, $5, $6, $7, $8 FROM held WHERE held.letters < $10::bigint
ON CONFLICT (id) DO NOTHING;

-- prune_dead_letters --
-- Old letters of all tenants, in steps: a tenant may never have another one, which would
-- remove them.
DELETE FROM dead_letters WHERE id IN (
    SELECT id FROM dead_letters WHERE created_at < $1 LIMIT $2);

-- fetch_dead_letters_page --
-- A tenant's letters, the newest first.
SELECT id, channel_id, conversation_id, kind, payload, error, created_at
FROM dead_letters
WHERE tenant_id = $1
    AND created_at <= coalesce($4::timestamptz, 'infinity')
    AND ($4 IS NULL OR created_at < $4 OR id > $5::uuid)
ORDER BY created_at DESC, id LIMIT $2 OFFSET $3;

-- count_dead_letters --
-- Separate from the page, and only so far that there are more than anybody counts.
SELECT count(*) FROM (
    SELECT FROM dead_letters WHERE tenant_id = $1 LIMIT $2) AS counted;

-- count_recent_dead_letters --
-- Of all tenants, for the health of the runtime.
SELECT count(*) FROM (
    SELECT FROM dead_letters WHERE created_at >= $1 LIMIT 1000) AS counted;
