-- claim_lease --
-- The holder, which is one process, may claim it again; others wait until it expires.
-- Each claim raises the epoch, which every later write must match.
INSERT INTO monitor_leases AS l (name, holder, epoch, expires_at)
VALUES ('monitor', $1, 1, now() + $2::interval)
ON CONFLICT (name) DO UPDATE
    SET holder = $1, epoch = l.epoch + 1, expires_at = now() + $2::interval
    WHERE l.holder = $1 OR l.expires_at < now()
RETURNING epoch;

-- renew_lease --
-- No row: another runtime has claimed it.
UPDATE monitor_leases SET expires_at = now() + $3::interval
WHERE name = 'monitor' AND holder = $1 AND epoch = $2 RETURNING epoch;

-- release_lease --
-- The next leader need not wait.
UPDATE monitor_leases SET expires_at = now()
WHERE name = 'monitor' AND holder = $1 AND epoch = $2;

-- check_lease --
-- The fence, first in every transaction: a process that lost the lease writes nothing.
-- The lock is shared with our own other transactions, but not with a new claim.
SELECT CASE WHEN NOT EXISTS (
    SELECT FROM monitor_leases
    WHERE name = 'monitor' AND holder = $1 AND epoch = $2 FOR SHARE
) THEN refuse_batch('the lease is lost') END;

-- fetch_watched --
-- The services of a slot. What was switched on after the slot waits for the next one.
SELECT (w.service).*, w.language, w.in_maintenance FROM watched_services($1) w
WHERE (w.service).enabled AND (w.service).enabled_at <= $2
ORDER BY (w.service).id;

-- fetch_newcomers --
-- Services that were created or switched on since the slot, and are not checked in it.
SELECT (w.service).*, w.language, w.in_maintenance FROM watched_services($1) w
JOIN service_states t ON t.service_id = (w.service).id
WHERE (w.service).enabled AND (w.service).enabled_at > $2
    AND (t.claimed_slot IS NULL OR t.claimed_slot < $2)
ORDER BY (w.service).id;

-- fetch_one_watched --
-- For a check on demand, which also a service that is switched off gets.
SELECT (w.service).*, w.language, w.in_maintenance FROM watched_services($2) w
WHERE (w.service).id = $1;

-- fetch_states --
-- The states of these services.
SELECT service_id, state FROM service_states WHERE service_id = ANY($1::uuid[]);

-- fetch_recorded --
-- Which of these are stored: needed when the answer to a commit was lost.
SELECT id FROM check_results WHERE id = ANY($1::uuid[]);

-- claim_slot --
-- The checks that may start: each service once in a slot, by one runtime. A claim far
-- in the future comes from a clock that was wrong and has been corrected.
UPDATE service_states SET claimed_slot = $2
WHERE service_id = ANY($1::uuid[]) AND (
    claimed_slot IS NULL OR claimed_slot < $2
    OR claimed_slot > $2 + interval '1 hour')
RETURNING service_id;

-- insert_results --
-- A service that was deleted meanwhile has no results any more; a slot that has one
-- keeps it.
INSERT INTO check_results (id, tenant_id, service_id, slot_at, checked_at, status_code,
    ok, latency_ms, attempts, error, missed, tls_expires_at, metadata)
SELECT r.*
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[],
    $6::int[], $7::boolean[], $8::double precision[], $9::smallint[], $10::text[], $11::boolean[],
    $12::timestamptz[], $13::jsonb[])
    AS r(id, tenant_id, service_id, slot_at, checked_at, status_code, ok, latency_ms,
        attempts, error, missed, tls_expires_at, metadata)
WHERE EXISTS (SELECT FROM services s WHERE s.id = r.service_id)
ON CONFLICT DO NOTHING;

-- update_states --
-- The states, and the latest results that lists show.
UPDATE service_states t SET status = n.status, status_since = n.since, state = n.state,
    latest_result_id = n.result_id, latest_checked_at = n.checked_at,
    latest_status_code = n.status_code, latest_ok = n.ok,
    latest_latency_ms = n.latency_ms, latest_error = n.error,
    tls_expires_at = coalesce(n.tls_expires_at, t.tls_expires_at)
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::jsonb[], $5::uuid[],
    $6::timestamptz[], $7::int[], $8::boolean[], $9::double precision[], $10::text[],
    $11::timestamptz[])
    AS n(service_id, status, since, state, result_id, checked_at, status_code, ok,
        latency_ms, error, tls_expires_at)
WHERE t.service_id = n.service_id;

-- insert_transitions --
-- Every change of a status, with the result that explains it.
INSERT INTO service_transitions (id, tenant_id, service_id, at, old, new, reason,
    result_id)
SELECT r.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[],
    $5::text[], $6::text[], $7::text[], $8::uuid[])
    AS r(id, tenant_id, service_id, at, old, new, reason, result_id)
WHERE EXISTS (SELECT FROM services s WHERE s.id = r.service_id)
ON CONFLICT DO NOTHING;

-- insert_missed --
-- Slots without a check, for all services that were enabled then.
INSERT INTO check_results (id, tenant_id, service_id, slot_at, checked_at, ok, attempts,
    error, missed)
SELECT gen_random_uuid(), s.tenant_id, s.id, m.slot, m.slot, false, 0, $2, true
FROM unnest($1::timestamptz[]) AS m(slot)
JOIN services s ON s.enabled AND s.enabled_at < m.slot
JOIN service_states t ON t.service_id = s.id
    AND (t.claimed_slot IS NULL OR t.claimed_slot < m.slot)
ON CONFLICT DO NOTHING
RETURNING id, tenant_id, service_id, slot_at;

-- insert_unfinished --
-- Checks that a former leader started and that have no result: they are not repeated.
INSERT INTO check_results (id, tenant_id, service_id, slot_at, checked_at, ok, attempts,
    error, missed)
SELECT gen_random_uuid(), t.tenant_id, t.service_id, t.claimed_slot, now(), false, 0,
    $1, true
FROM service_states t JOIN services s ON s.id = t.service_id
WHERE t.claimed_slot <= $2 AND NOT EXISTS (
    SELECT FROM check_results r
    WHERE r.service_id = t.service_id AND r.slot_at = t.claimed_slot)
    AND t.claimed_slot > $2 - interval '2 days'
ON CONFLICT DO NOTHING
RETURNING id, tenant_id, service_id, slot_at;

-- redate_future_results --
-- What was checked while the clock was ahead keeps its outcome: as a check outside of a
-- slot, with an id of its own, so that the slot's real result has its place.
WITH future AS (
    SELECT id, gen_random_uuid() AS fresh FROM check_results
    WHERE checked_at > $1 AND NOT missed
), states AS (
    UPDATE service_states s SET latest_result_id = f.fresh, latest_checked_at = $2
    FROM future f WHERE s.latest_result_id = f.id
), changes AS (
    UPDATE service_transitions t SET result_id = f.fresh, at = $2
    FROM future f WHERE t.result_id = f.id
)
UPDATE check_results r SET id = f.fresh, slot_at = NULL, checked_at = $2
FROM future f WHERE r.id = f.id
RETURNING r.id;

-- forget_future --
-- Slots, hours and due times that only a clock that was ahead has seen.
WITH missed AS (
    DELETE FROM check_results WHERE checked_at > $1 AND missed
), figures AS (
    DELETE FROM check_rollups WHERE starts_at > $1
), told AS (
    UPDATE alerts SET created_at = $2 WHERE created_at > $1
), due AS (
    UPDATE alert_deliveries SET due_at = $2
    WHERE due_at > $1 + interval '1 day' AND delivery IN ('queued', 'sending')
)
UPDATE service_states SET
    status_since = least(status_since, $2),
    latest_checked_at = least(latest_checked_at, $2)
WHERE status_since > $1 OR latest_checked_at > $1;

-- forget_future_claims --
-- They would refuse all checks until the clock is where it was.
UPDATE service_states SET claimed_slot = NULL WHERE claimed_slot > $1;

-- fetch_prune_bounds --
-- The oldest result, by each service's index, and the database's own clock.
SELECT min(r.checked_at) AS oldest, now() AS now
FROM services s CROSS JOIN LATERAL (
    SELECT checked_at FROM check_results
    WHERE service_id = s.id ORDER BY checked_at LIMIT 1) r;

-- delete_old_results --
-- Some at a time: a long delete would hold what the checks write.
DELETE FROM check_results WHERE id IN (
    SELECT id FROM check_results WHERE checked_at < $1 LIMIT $2)
RETURNING id;

-- delete_old_rest --
-- Hours go with the charts that show them, days and changes after a year.
WITH hours AS (
    DELETE FROM check_rollups WHERE unit = 'hour' AND starts_at < $1
), days AS (
    DELETE FROM check_rollups WHERE unit = 'day' AND starts_at < $2
), changes AS (
    DELETE FROM service_transitions WHERE at < $2
), old_alerts AS (
    DELETE FROM alerts WHERE created_at < $2
)
DELETE FROM maintenance_windows WHERE ends_at < $2;

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
