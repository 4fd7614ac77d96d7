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
