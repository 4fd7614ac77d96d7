-- insert_service --
-- Creates the row of its state, too: claims and results only update it. A name that is
-- taken gives no row.
WITH made AS (
    INSERT INTO services (id, tenant_id, name, base_url, health_path, method, headers,
        body, timeout_s, expected_status, conditions, enabled, failure_threshold,
        success_threshold, degraded_after_ms, cooldown_s, reminder_s, origin, channel_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
        $18, $19)
    ON CONFLICT DO NOTHING
    RETURNING *
), state AS (
    INSERT INTO service_states (service_id, tenant_id) SELECT id, tenant_id FROM made
)
SELECT * FROM made;

-- count_own_services --
-- Those that a quota counts: the runtime's own are not the tenant's choice.
SELECT count(*) FROM services WHERE tenant_id = $1 AND origin = 'user';

-- claim_check --
-- A check on demand every so often. A moment far in the future comes from a clock that
-- was wrong, one a little later than ours from a call that overtook this one. No row: the
-- last one was asked for a moment ago.
UPDATE service_states SET asked_at = $3
WHERE tenant_id = $1 AND service_id = $2 AND (asked_at IS NULL
    OR asked_at > $3::timestamptz + $4::interval
    OR asked_at <= $3::timestamptz - $4::interval)
RETURNING service_id;

-- update_service --
-- Slots before it was switched on (again) do not count as missed.
UPDATE services SET name = $3, base_url = $4, health_path = $5, method = $6,
    headers = $7, body = $8, timeout_s = $9, expected_status = $10, conditions = $11,
    enabled = $12, failure_threshold = $13, success_threshold = $14,
    degraded_after_ms = $15, cooldown_s = $16, reminder_s = $17, updated_at = now(),
    enabled_at = CASE WHEN $12 AND NOT enabled THEN now() ELSE enabled_at END
WHERE tenant_id = $1 AND id = $2
RETURNING *;

-- delete_service --
-- Its results go with it.
DELETE FROM services WHERE tenant_id = $1 AND id = $2 RETURNING id;

-- lock_service --
-- Two edits take turns.
SELECT * FROM services WHERE tenant_id = $1 AND id = $2 FOR UPDATE;

-- fetch_service --
-- One service, if it is this tenant's.
SELECT * FROM services WHERE tenant_id = $1 AND id = $2;

-- fetch_service_by_name --
-- Files identify services by name.
SELECT * FROM services WHERE tenant_id = $1 AND name = $2;

-- fetch_services_page --
-- A tenant's services by name, with their status.
SELECT s.*, t.status, t.status_since
FROM services s JOIN service_states t ON t.service_id = s.id
WHERE s.tenant_id = $1
    AND ($2::boolean IS NULL OR s.enabled = $2)
    AND ($3::text IS NULL OR t.status = $3)
ORDER BY s.name, s.id LIMIT $4 OFFSET $5;

-- count_services --
-- Apart from the page, which reads only as many rows as it shows.
SELECT count(*) FROM services s JOIN service_states t ON t.service_id = s.id
WHERE s.tenant_id = $1
    AND ($2::boolean IS NULL OR s.enabled = $2)
    AND ($3::text IS NULL OR t.status = $3);

-- fetch_service_status --
-- The status of a service.
SELECT status, status_since FROM service_states WHERE service_id = $1;

-- insert_window --
-- For one service of the tenant or for all; another's service gives no row.
INSERT INTO maintenance_windows (id, tenant_id, service_id, starts_at, ends_at, reason)
SELECT $1, $2, $3, $4, $5, $6
WHERE $3::uuid IS NULL OR EXISTS (
    SELECT FROM services WHERE tenant_id = $2 AND id = $3)
RETURNING *;

-- fetch_windows_page --
-- Those that end last come first: current and future ones.
SELECT * FROM maintenance_windows
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR service_id = $2 OR service_id IS NULL)
ORDER BY ends_at DESC, id LIMIT $3 OFFSET $4;

-- count_windows --
-- The total number.
SELECT count(*) FROM maintenance_windows
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR service_id = $2 OR service_id IS NULL);

-- delete_window --
-- A current window ends with it.
DELETE FROM maintenance_windows WHERE tenant_id = $1 AND id = $2 RETURNING id;

-- ensure_platform_services --
-- One service for each channel on a platform with an API, enabled with the channel. Any
-- answer of the platform will do. A name that a service of the tenant has already, which
-- anybody can guess, gets an ending that nobody can.
INSERT INTO services (id, tenant_id, name, base_url, health_path, expected_status,
    timeout_s, enabled, failure_threshold, success_threshold, origin, channel_id)
SELECT gen_random_uuid(), c.tenant_id,
    CASE WHEN EXISTS (
        SELECT FROM services s
        WHERE s.tenant_id = c.tenant_id AND s.name = n.name
            AND s.channel_id IS DISTINCT FROM c.id)
    THEN left(n.name, 160) || ' ' || left(gen_random_uuid()::text, 18) ELSE n.name END,
    p.base_url, '/', $3::int[], 10, NOT c.is_paused, 2, 1, 'platform', c.id
FROM channels c
JOIN unnest($1::text[], $2::text[]) AS p(kind, base_url) ON p.kind = c.kind
CROSS JOIN LATERAL (SELECT left(format('%s API (%s)', initcap(c.kind), c.name), 180)
    || ' ' || left(c.id::text, 8)) AS n(name)
ON CONFLICT (channel_id) WHERE channel_id IS NOT NULL DO UPDATE
    SET enabled = excluded.enabled, base_url = excluded.base_url,
        enabled_at = CASE WHEN excluded.enabled AND NOT services.enabled
            THEN now() ELSE services.enabled_at END
    WHERE services.enabled <> excluded.enabled
        OR services.base_url <> excluded.base_url;

-- ensure_runtime_services --
-- The runtime's own parts, for the tenants of superusers. A service that a person has
-- disabled stays disabled.
INSERT INTO services (id, tenant_id, name, base_url, health_path, expected_status,
    timeout_s, conditions, origin)
SELECT gen_random_uuid(), t.tenant_id, p.name, $1, $2, $3::int[], 5,
    jsonb_build_array(p.condition), 'runtime'
FROM (SELECT DISTINCT tenant_id FROM users WHERE is_superuser) t
CROSS JOIN unnest($4::text[], $5::jsonb[]) AS p(name, condition)
ON CONFLICT (tenant_id, name) DO UPDATE SET base_url = excluded.base_url
    WHERE services.base_url <> excluded.base_url AND services.origin = 'runtime';

-- ensure_states --
-- Every service has a row of its state.
INSERT INTO service_states (service_id, tenant_id)
SELECT id, tenant_id FROM services s
WHERE origin <> 'user'
    AND NOT EXISTS (SELECT FROM service_states t WHERE t.service_id = s.id)
ON CONFLICT DO NOTHING;

-- is_platform_away --
-- Whether a channel's messages should wait: at a recent check its platform was down, or
-- our own network was. A monitor that has stopped holds nothing back.
SELECT EXISTS (
    SELECT FROM services s JOIN service_states t ON t.service_id = s.id
    WHERE s.channel_id = $1 AND s.enabled AND t.status IN ('down', 'unknown')
        AND t.latest_ok = false
        AND (t.status = 'down' OR t.state ->> 'verdict' = 'up')
        AND t.latest_checked_at > now() - interval '1 hour');
