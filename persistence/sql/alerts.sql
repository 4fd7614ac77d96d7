-- insert_alerts --
-- After a crash the same alert has the same id, and is stored once.
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
), sent AS (
    INSERT INTO alert_deliveries (alert_id, route_id, tenant_id, due_at, updated_at)
    SELECT t.id, r.id, t.tenant_id, t.created_at, t.created_at
    FROM stored t JOIN alert_routes r ON r.tenant_id = t.tenant_id AND r.enabled
)
SELECT id, pg_notify('pilito_alerts', tenant_id::text) FROM stored;

-- claim_deliveries --
-- Marked before they are sent: a sender that stops in between leaves a trace.
WITH due AS (
    SELECT alert_id, route_id FROM alert_deliveries
    WHERE delivery = 'queued' AND due_at <= $1
    ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE alert_deliveries d
    SET delivery = 'sending', attempts = d.attempts + 1, updated_at = $1
    FROM due WHERE d.alert_id = due.alert_id AND d.route_id = due.route_id
    RETURNING d.*
)
SELECT c.attempts, a.*, r.id AS route_id, r.kind AS route_kind, r.target,
    s.name AS service_name
FROM claimed c
JOIN alerts a ON a.id = c.alert_id
JOIN alert_routes r ON r.id = c.route_id
LEFT JOIN services s ON s.id = a.service_id;

-- record_delivery --
-- The result of an attempt.
UPDATE alert_deliveries SET delivery = $3, due_at = $4, error = $5, updated_at = now()
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
SELECT d.alert_id, d.delivery, d.attempts, d.error, d.updated_at, r.name, r.kind
FROM alert_deliveries d JOIN alert_routes r ON r.id = d.route_id
WHERE d.tenant_id = $1 AND d.alert_id = ANY($2::uuid[]) ORDER BY r.name;

-- insert_route --
-- A name that is taken gives no row.
INSERT INTO alert_routes (id, tenant_id, kind, name, target, enabled)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, name) DO NOTHING
RETURNING *;

-- fetch_routes_page --
-- A tenant's routes by name.
SELECT *, count(*) OVER () AS total FROM alert_routes
WHERE tenant_id = $1 ORDER BY name LIMIT $2 OFFSET $3;

-- count_routes --
-- Needed when a page past the end is empty.
SELECT count(*) FROM alert_routes WHERE tenant_id = $1;

-- fetch_route --
-- One route, if it is this tenant's.
SELECT * FROM alert_routes WHERE tenant_id = $1 AND id = $2;

-- switch_route --
-- Deliveries that are being sent go on.
UPDATE alert_routes SET enabled = $3 WHERE tenant_id = $1 AND id = $2 RETURNING *;

-- delete_route --
-- Its unsent deliveries are deleted with it.
DELETE FROM alert_routes WHERE tenant_id = $1 AND id = $2 RETURNING id;
