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
