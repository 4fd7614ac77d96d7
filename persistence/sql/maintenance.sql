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
