-- fetch_results_page --
-- A tenant's results, the newest first.
SELECT * FROM check_results
WHERE tenant_id = $1
    AND ($2::uuid IS NULL OR service_id = $2)
    AND ($3::timestamptz IS NULL OR checked_at >= $3)
    AND ($4::timestamptz IS NULL OR checked_at < $4)
    AND ($5::boolean IS NULL OR ok = $5)
    AND checked_at <= coalesce($8::timestamptz, 'infinity')
    AND ($8 IS NULL OR checked_at < $8 OR id > $9::uuid)
ORDER BY checked_at DESC, id LIMIT $6 OFFSET $7;

-- count_results --
-- Apart from the page, and only so far that there are more than anybody counts.
SELECT count(*) FROM (
    SELECT FROM check_results
    WHERE tenant_id = $1
        AND ($2::uuid IS NULL OR service_id = $2)
        AND ($3::timestamptz IS NULL OR checked_at >= $3)
        AND ($4::timestamptz IS NULL OR checked_at < $4)
        AND ($5::boolean IS NULL OR ok = $5)
    LIMIT $6
) AS counted;

-- fetch_result --
-- One result, if it is this tenant's.
SELECT * FROM check_results WHERE tenant_id = $1 AND id = $2;

-- fetch_transitions_page --
-- Transitions of a service, or of all of a tenant's services, the newest first.
SELECT * FROM service_transitions
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR service_id = $2)
ORDER BY at DESC, id LIMIT $3 OFFSET $4;

-- count_transitions --
-- The total number.
SELECT count(*) FROM service_transitions
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR service_id = $2);

-- fetch_summary --
-- All of a tenant's services as they are now: one row each, whatever the history. Digests
-- and windows are prepared for the summary when they change.
SELECT s.id, s.name, s.enabled, s.origin, t.status, t.status_since, t.tls_expires_at,
    w.windows, t.latest_status_code, t.latest_ok, t.latest_latency_ms, t.latest_error,
    t.latest_checked_at, d.summary_text, d.anomaly_count, d.period_start
FROM services s
JOIN service_states t ON t.service_id = s.id
LEFT JOIN shown_windows w ON w.service_id = s.id
LEFT JOIN latest_digests d ON d.tenant_id = $1 AND d.service_id = s.id
WHERE s.tenant_id = $1
ORDER BY s.name, s.id;

-- fetch_global_digest --
-- The latest overall digest.
SELECT summary_text, anomaly_count, period_start FROM latest_digests
WHERE tenant_id = $1 AND service_id IS NULL;

-- fetch_windows --
-- Uptime and percentiles of one service.
SELECT period, checks, passed, p50_ms, p95_ms, p99_ms FROM service_windows
WHERE tenant_id = $1 AND service_id = $2;

-- upsert_rollups --
-- The leader accumulates in memory and writes totals: writing them twice changes
-- nothing.
INSERT INTO check_rollups (tenant_id, service_id, unit, starts_at, checks, passed,
    excused, latency_sum_ms, buckets, counts)
SELECT r.tenant_id, r.service_id, r.unit, r.starts_at, r.checks, r.passed, r.excused,
    r.latency_sum_ms,
    ARRAY(SELECT jsonb_array_elements(r.sketch -> 'buckets')::smallint),
    ARRAY(SELECT jsonb_array_elements(r.sketch -> 'counts')::int)
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::int[], $6::int[],
    $7::int[], $8::double precision[], $9::jsonb[])
    AS r(tenant_id, service_id, unit, starts_at, checks, passed, excused,
        latency_sum_ms, sketch)
WHERE EXISTS (SELECT FROM services s WHERE s.id = r.service_id)
ON CONFLICT (service_id, unit, starts_at) DO UPDATE SET checks = excluded.checks,
    passed = excluded.passed, excused = excluded.excused,
    latency_sum_ms = excluded.latency_sum_ms, buckets = excluded.buckets,
    counts = excluded.counts;

-- fetch_open_rollups --
-- The current hour and day, to be added to.
SELECT * FROM check_rollups
WHERE service_id = ANY($1::uuid[])
    AND (unit = 'hour' AND starts_at = $2 OR unit = 'day' AND starts_at = $3);

-- fetch_service_rollups --
-- One service's hours or days, for its charts.
SELECT * FROM check_rollups
WHERE tenant_id = $1 AND service_id = $2 AND unit = $3 AND starts_at >= $4
ORDER BY starts_at;

-- fetch_uptime --
-- Bars of many services at once: counts of $6 buckets of $5 each, which begin at $4, and
-- the worst status of each, $7 being ordered. A status lasts from its transition to the
-- next one, the first transition names the one before, and where there is none at all the
-- status of now has lasted.
WITH wanted AS (
    SELECT s.id AS service_id, t.status
    FROM services s JOIN service_states t ON t.service_id = s.id
    WHERE s.tenant_id = $1 AND s.id = ANY($2::uuid[])
), buckets AS (
    SELECT n AS bucket, $4::timestamptz + n * $5::interval AS begins,
        $4 + (n + 1) * $5 AS ends
    FROM generate_series(0, $6::int - 1) AS n
), changes AS (
    SELECT c.service_id, c.at, c.old, c.new, lead(c.at) OVER later AS next,
        row_number() OVER later AS number
    FROM service_transitions c JOIN wanted USING (service_id)
    WHERE c.tenant_id = $1 AND c.at >= $4
    WINDOW later AS (PARTITION BY c.service_id ORDER BY c.at, c.id)
), spans AS (
    SELECT service_id, at AS begins, coalesce(next, 'infinity') AS ends, new AS status
    FROM changes
    UNION ALL
    SELECT service_id, '-infinity', at, old FROM changes WHERE number = 1
    UNION ALL
    SELECT service_id, '-infinity', 'infinity', status FROM wanted w
    WHERE NOT EXISTS (SELECT FROM changes c WHERE c.service_id = w.service_id)
), worst AS (
    SELECT s.service_id, b.bucket, max(array_position($7::text[], s.status)) AS place
    FROM spans s JOIN buckets b ON s.begins < b.ends AND s.ends > b.begins
    GROUP BY s.service_id, b.bucket
), counted AS (
    SELECT r.service_id,
        floor(extract(epoch FROM r.starts_at - $4) / extract(epoch FROM $5))::int
            AS bucket,
        sum(r.checks - r.excused)::int AS checks, sum(r.passed)::int AS passed
    FROM check_rollups r JOIN wanted USING (service_id)
    WHERE r.unit = $3 AND r.starts_at >= $4 AND r.starts_at < $4 + $6 * $5
    GROUP BY 1, 2
)
SELECT service_id, bucket, coalesce(checks, 0) AS checks, coalesce(passed, 0) AS passed,
    ($7::text[])[place] AS worst
FROM worst LEFT JOIN counted USING (service_id, bucket)
ORDER BY service_id, bucket;

-- refresh_windows --
-- Percentiles over many rollups: counts of equal buckets are added, and the first
-- bucket that reaches the share is the answer. $5 is the factor between buckets.
WITH wanted AS (
    SELECT service_id, tenant_id, checks - excused AS counted, passed, buckets, counts
    FROM check_rollups WHERE unit = $2 AND starts_at > $3 AND starts_at <= $4
), totals AS (
    SELECT service_id, tenant_id, sum(counted)::int AS checks, sum(passed)::int AS passed
    FROM wanted GROUP BY service_id, tenant_id
), merged AS (
    SELECT w.service_id, c.bucket, sum(c.count) AS count
    FROM wanted w, unnest(w.buckets, w.counts) AS c(bucket, count)
    GROUP BY w.service_id, c.bucket
), ranked AS (
    SELECT service_id, bucket,
        sum(count) OVER (PARTITION BY service_id ORDER BY bucket) AS seen,
        sum(count) OVER (PARTITION BY service_id) AS total
    FROM merged
), found AS (
    SELECT service_id,
        min(bucket) FILTER (WHERE seen >= ceil(0.50 * total)) AS p50,
        min(bucket) FILTER (WHERE seen >= ceil(0.95 * total)) AS p95,
        min(bucket) FILTER (WHERE seen >= ceil(0.99 * total)) AS p99
    FROM ranked GROUP BY service_id
)
INSERT INTO service_windows (service_id, tenant_id, period, checks, passed, p50_ms,
    p95_ms, p99_ms, computed_at)
SELECT t.service_id, t.tenant_id, $1, t.checks, t.passed, power($5::double precision, f.p50 - 0.5),
    power($5, f.p95 - 0.5), power($5, f.p99 - 0.5), $4
FROM totals t LEFT JOIN found f ON f.service_id = t.service_id
ON CONFLICT (service_id, period) DO UPDATE SET checks = excluded.checks,
    passed = excluded.passed, p50_ms = excluded.p50_ms, p95_ms = excluded.p95_ms,
    p99_ms = excluded.p99_ms, computed_at = excluded.computed_at;

-- forget_windows --
-- Services that were not checked in the period at all have no percentiles of it.
DELETE FROM service_windows WHERE period = $1 AND computed_at < $2;

-- show_windows --
-- What the summary shows of the three periods is put together here, every two minutes,
-- and not for everyone who looks.
WITH shown AS (
    SELECT service_id, json_object_agg(period, json_build_object(
        'checks', checks, 'passed', passed,
        'uptime', passed::double precision / nullif(checks, 0),
        'p50_ms', p50_ms, 'p95_ms', p95_ms, 'p99_ms', p99_ms)
        ORDER BY array_position(ARRAY['24h', '7d', '30d'], period)) AS windows
    FROM service_windows GROUP BY service_id
), gone AS (
    DELETE FROM shown_windows w
    WHERE NOT EXISTS (SELECT FROM shown s WHERE s.service_id = w.service_id)
)
INSERT INTO shown_windows (service_id, windows) SELECT service_id, windows FROM shown
ON CONFLICT (service_id) DO UPDATE SET windows = excluded.windows;
