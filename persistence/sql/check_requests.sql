-- insert_check_request --
-- No row: the service is gone, or nobody watches who could check it.
INSERT INTO check_requests (id, service_id)
SELECT $1, s.id FROM services s
WHERE s.id = $2 AND EXISTS (
    SELECT FROM monitor_leases WHERE name = 'monitor' AND expires_at > now())
RETURNING id;

-- fetch_check_requests --
-- What is asked of the one who watches; nobody waits for what is older.
SELECT id, service_id FROM check_requests
WHERE asked_at > now() - interval '4 minutes' ORDER BY asked_at;

-- delete_check_request --
-- Done, or given up: whoever waits is rung by it.
DELETE FROM check_requests WHERE id = $1;

-- delete_old_check_requests --
-- Their askers have gone.
DELETE FROM check_requests WHERE asked_at < now() - interval '4 minutes';

-- fetch_progress --
-- Whether a request still waits, and whether somebody is there to see to it.
SELECT EXISTS (SELECT FROM check_requests WHERE id = $1) AS waits,
    EXISTS (
        SELECT FROM monitor_leases WHERE name = 'monitor' AND expires_at > now()
    ) AS is_watched;

-- fetch_answer --
-- The result that bears the request's id.
SELECT * FROM check_results WHERE id = $1;
