-- insert_check_request --
-- No row: there is no such service, or no leader that could check it.
INSERT INTO check_requests (id, service_id)
SELECT $1, s.id FROM services s
WHERE s.id = $2 AND EXISTS (
    SELECT FROM monitor_leases WHERE name = 'monitor' AND expires_at > now())
RETURNING id;

-- fetch_check_requests --
-- Open requests; callers of older ones have given up.
SELECT id, service_id FROM check_requests
WHERE asked_at > now() - interval '4 minutes' ORDER BY asked_at;

-- delete_check_request --
-- Done, or given up: a trigger notifies the caller.
DELETE FROM check_requests WHERE id = $1;

-- delete_old_check_requests --
-- Their callers have given up.
DELETE FROM check_requests WHERE asked_at < now() - interval '4 minutes';

-- fetch_progress --
-- Whether a request is still open, and whether there is a leader to serve it.
SELECT EXISTS (SELECT FROM check_requests WHERE id = $1) AS waits,
    EXISTS (
        SELECT FROM monitor_leases WHERE name = 'monitor' AND expires_at > now()
    ) AS is_watched;

-- fetch_answer --
-- The result with the request's id.
SELECT * FROM check_results WHERE id = $1;
