-- insert_alerts --
-- After a crash the same alert has the same id, and is stored once. Of an hour's alerts
-- a route gets so many and a tenant's routes together so many; the others are held, and
-- summed up later. A clock that was wrong for a while leaves rows far from this hour.
WITH stored AS (
    INSERT INTO alerts (id, tenant_id, service_id, kind, incident_id, text, facts,
        created_at)
    SELECT a.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[],
        $6::text[], $7::jsonb[], $8::timestamptz[])
        AS a(id, tenant_id, service_id, kind, incident_id, text, facts, created_at)
    WHERE a.service_id IS NULL
        OR EXISTS (SELECT FROM services s WHERE s.id = a.service_id)
    ON CONFLICT DO NOTHING
    RETURNING id, tenant_id, created_at
), recent AS (
    SELECT d.tenant_id, d.route_id, count(*) AS sent
    FROM (SELECT tenant_id, max(created_at) AS at FROM stored GROUP BY tenant_id) t
    JOIN alert_deliveries d ON d.tenant_id = t.tenant_id
        AND d.delivery NOT IN ('held', 'summed')
        AND d.created_at > t.at - interval '1 hour'
        AND d.created_at < t.at + interval '1 hour'
    GROUP BY d.tenant_id, d.route_id
), wanted AS (
    SELECT t.id, t.tenant_id, t.created_at, r.id AS route_id,
        coalesce((SELECT sent FROM recent WHERE route_id = r.id), 0)
            + row_number() OVER (PARTITION BY r.id ORDER BY t.created_at, t.id)
            AS nth_of_route,
        coalesce((SELECT sum(sent) FROM recent WHERE tenant_id = t.tenant_id), 0)
            + row_number() OVER (
                PARTITION BY t.tenant_id ORDER BY t.created_at, t.id, r.id)
            AS nth_of_tenant
    FROM stored t JOIN alert_routes r ON r.tenant_id = t.tenant_id
        AND r.enabled AND r.confirmed_at IS NOT NULL
), sent AS (
    INSERT INTO alert_deliveries (alert_id, route_id, tenant_id, delivery, created_at,
        due_at, updated_at)
    SELECT id, route_id, tenant_id,
        CASE WHEN nth_of_route > $9 OR nth_of_tenant > $10 THEN 'held' ELSE 'queued' END,
        created_at, created_at, created_at
    FROM wanted
)
SELECT id, pg_notify('pilito_alerts', tenant_id::text) FROM stored;

-- claim_deliveries --
-- Marked before they are sent: a sender that stops in between leaves a trace. Tenants
-- take turns, and so do the routes of a tenant, so that a receiver that hangs delays
-- nobody else. An alert waits until the earlier ones of its incident are settled.
WITH due AS (
    SELECT d.alert_id, d.route_id, d.tenant_id, d.due_at,
        row_number() OVER (PARTITION BY d.route_id ORDER BY d.due_at, d.alert_id)
            + (SELECT count(*) FROM unnest($3::uuid[]) AS b(id) WHERE b.id = d.route_id)
            AS nth_of_route
    FROM alert_deliveries d JOIN alerts a ON a.id = d.alert_id
    WHERE d.delivery = 'queued' AND d.due_at <= $1 AND NOT EXISTS (
        SELECT FROM alerts o JOIN alert_deliveries e
            ON e.alert_id = o.id AND e.route_id = d.route_id
        WHERE o.incident_id = a.incident_id AND o.tenant_id = a.tenant_id
            AND o.created_at < a.created_at AND e.delivery IN ('queued', 'sending'))
), turns AS (
    SELECT *, row_number() OVER (
            PARTITION BY tenant_id ORDER BY nth_of_route, due_at, alert_id)
        + (SELECT count(*) FROM unnest($4::uuid[]) AS b(id) WHERE b.id = due.tenant_id)
        AS nth_of_tenant
    FROM due WHERE nth_of_route <= $5
), chosen AS (
    SELECT d.alert_id, d.route_id
    FROM alert_deliveries d JOIN (
        SELECT alert_id, route_id FROM turns WHERE nth_of_tenant <= $6
        ORDER BY nth_of_tenant, due_at LIMIT $2
    ) t ON t.alert_id = d.alert_id AND t.route_id = d.route_id
    WHERE d.delivery = 'queued' FOR UPDATE OF d SKIP LOCKED
), claimed AS (
    UPDATE alert_deliveries d
    SET delivery = 'sending', attempts = d.attempts + 1, updated_at = $1
    FROM chosen c WHERE d.alert_id = c.alert_id AND d.route_id = c.route_id
    RETURNING d.*
)
SELECT c.attempts, c.is_uncertain, a.*, r.id AS route_id, r.kind AS route_kind,
    r.target, s.name AS service_name, u.text AS undelivered
FROM claimed c
JOIN alerts a ON a.id = c.alert_id
JOIN alert_routes r ON r.id = c.route_id
LEFT JOIN services s ON s.id = a.service_id
-- The end of an outage of which this route was never told.
LEFT JOIN LATERAL (
    SELECT max(o.text) FILTER (WHERE o.kind = 'down') AS text
    FROM alerts o JOIN alert_deliveries e
        ON e.alert_id = o.id AND e.route_id = c.route_id
    WHERE a.kind = 'recovered' AND o.incident_id = a.incident_id
        AND o.tenant_id = a.tenant_id AND o.id <> a.id
    HAVING bool_and(e.delivery IN ('failed', 'held'))
) u ON true
ORDER BY a.created_at, a.id;

-- record_delivery --
-- The result of an attempt.
UPDATE alert_deliveries SET delivery = $3, due_at = $4, error = $5,
    is_uncertain = is_uncertain OR $6, updated_at = now()
WHERE alert_id = $1 AND route_id = $2;

-- settle_interrupted --
-- The sender died while sending these. A webhook is repeated, since its id marks a second
-- copy. A person gets no second copy; a lost alert is followed by the reminder.
UPDATE alert_deliveries d SET updated_at = $1,
    delivery = CASE WHEN r.kind = 'webhook' THEN 'queued' ELSE 'unknown' END,
    error = 'the sender stopped'
FROM alert_routes r WHERE r.id = d.route_id AND d.delivery = 'sending';

-- fetch_alerts_page --
-- A tenant's alerts, the newest first.
SELECT * FROM alerts
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR service_id = $2)
    AND ($3::text IS NULL OR kind = $3)
ORDER BY created_at DESC, id LIMIT $4 OFFSET $5;

-- count_alerts --
-- The total number.
SELECT count(*) FROM alerts
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR service_id = $2)
    AND ($3::text IS NULL OR kind = $3);

-- fetch_deliveries --
-- The deliveries of these alerts.
SELECT d.alert_id, r.name AS route, r.kind, d.delivery, d.attempts, d.error,
    d.updated_at
FROM alert_deliveries d JOIN alert_routes r ON r.id = d.route_id
WHERE d.tenant_id = $1 AND d.alert_id = ANY($2::uuid[]) ORDER BY r.name;

-- fetch_held_routes --
-- Routes whose held alerts are to be summed up: some have waited for a minute, and the
-- last summary is ten minutes old.
SELECT r.id, r.tenant_id, t.language
FROM alert_routes r JOIN tenants t ON t.id = r.tenant_id
WHERE EXISTS (
        SELECT FROM alert_deliveries d WHERE d.route_id = r.id
            AND d.delivery = 'held' AND d.created_at <= $1::timestamptz - $2::interval)
    AND (r.summed_at IS NULL OR r.summed_at <= $1 - $3::interval OR r.summed_at > $1);

-- begin_summary --
-- No row: another runtime is summing them up.
UPDATE alert_routes SET summed_at = $3 WHERE tenant_id = $1 AND id = $2
    AND (summed_at IS NULL OR summed_at <= $3::timestamptz - $4::interval
        OR summed_at > $3)
RETURNING id;

-- take_held --
-- All held alerts of a route: their number, and the latest one of each service.
WITH taken AS (
    UPDATE alert_deliveries SET delivery = 'summed', updated_at = $3
    WHERE tenant_id = $1 AND route_id = $2 AND delivery = 'held'
    RETURNING alert_id
)
SELECT DISTINCT ON (a.service_id) a.text, a.created_at,
    (SELECT count(*) FROM taken) AS alerts
FROM taken JOIN alerts a ON a.id = taken.alert_id
ORDER BY a.service_id, a.created_at DESC, a.id;

-- insert_summary --
-- An alert for one route, which no limit holds back.
WITH stored AS (
    INSERT INTO alerts (id, tenant_id, kind, text, facts, created_at)
    VALUES ($1, $2, 'summary', $4, $5, $6) RETURNING id, tenant_id, created_at
)
INSERT INTO alert_deliveries (alert_id, route_id, tenant_id, created_at, due_at,
    updated_at)
SELECT id, $3, tenant_id, created_at, created_at, created_at FROM stored;
