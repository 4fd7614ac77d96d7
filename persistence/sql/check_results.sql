-- fetch_results_page --
-- A tenant's results, the newest first.
SELECT * FROM check_results
WHERE tenant_id = $1
    AND ($2::uuid IS NULL OR service_id = $2)
    AND ($3::timestamptz IS NULL OR checked_at >= $3)
    AND ($4::timestamptz IS NULL OR checked_at < $4)
    AND ($5::boolean IS NULL OR ok = $5)
ORDER BY checked_at DESC, id LIMIT $6 OFFSET $7;

-- count_results --
-- Apart from the page, which reads only as many rows as it shows.
SELECT count(*) FROM check_results
WHERE tenant_id = $1
    AND ($2::uuid IS NULL OR service_id = $2)
    AND ($3::timestamptz IS NULL OR checked_at >= $3)
    AND ($4::timestamptz IS NULL OR checked_at < $4)
    AND ($5::boolean IS NULL OR ok = $5);

-- fetch_result --
-- One result, if it is this tenant's.
SELECT * FROM check_results WHERE tenant_id = $1 AND id = $2;

-- fetch_transitions_page --
-- When a service changed, or all of a tenant's, the newest first.
SELECT * FROM service_transitions
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR service_id = $2)
ORDER BY at DESC, id LIMIT $3 OFFSET $4;

-- count_transitions --
-- How many changes there are in all.
SELECT count(*) FROM service_transitions
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR service_id = $2);

-- fetch_summary --
-- All of a tenant's services as they are now: one row each, whatever the history.
SELECT s.id, s.name, s.enabled, s.origin, t.status, t.status_since,
    t.latest_status_code, t.latest_ok, t.latest_latency_ms, t.latest_checked_at, t.latest_error,
    t.tls_expires_at,
    a.checks AS checks_24h, a.passed AS passed_24h, a.p50_ms AS p50_24h,
    a.p95_ms AS p95_24h, a.p99_ms AS p99_24h,
    b.checks AS checks_7d, b.passed AS passed_7d, b.p50_ms AS p50_7d,
    b.p95_ms AS p95_7d, b.p99_ms AS p99_7d,
    c.checks AS checks_30d, c.passed AS passed_30d, c.p50_ms AS p50_30d,
    c.p95_ms AS p95_30d, c.p99_ms AS p99_30d,
    d.summary_text, d.anomaly_count, d.period_start
FROM services s
JOIN service_states t ON t.service_id = s.id
LEFT JOIN service_windows a ON a.service_id = s.id AND a.period = '24h'
LEFT JOIN service_windows b ON b.service_id = s.id AND b.period = '7d'
LEFT JOIN service_windows c ON c.service_id = s.id AND c.period = '30d'
LEFT JOIN LATERAL (
    SELECT summary_text, anomaly_count, period_start FROM digests
    WHERE tenant_id = $1 AND service_id = s.id
    ORDER BY period_end DESC LIMIT 1
) d ON true
WHERE s.tenant_id = $1
ORDER BY s.name, s.id;

-- fetch_global_digest --
-- The latest words about all of a tenant's services together.
SELECT summary_text, anomaly_count, period_start FROM digests
WHERE tenant_id = $1 AND service_id IS NULL ORDER BY period_end DESC LIMIT 1;

-- fetch_windows --
-- Uptime and percentiles of one service.
SELECT period, checks, passed, p50_ms, p95_ms, p99_ms FROM service_windows
WHERE tenant_id = $1 AND service_id = $2;
