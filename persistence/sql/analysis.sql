-- fetch_service_names --
-- The services of a tenant's analysis.
SELECT id, name FROM services
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id = $2)
ORDER BY name, id;

-- fetch_tenants_with_services --
-- The tenants of the daily analysis.
SELECT DISTINCT tenant_id FROM services WHERE enabled ORDER BY tenant_id;

-- fetch_due_tenants --
-- Tenants with services on the day that ended at $1, but without its digest.
SELECT DISTINCT s.tenant_id FROM services s
WHERE s.enabled AND s.created_at < $1 AND NOT EXISTS (
    SELECT FROM digests d
    WHERE d.tenant_id = s.tenant_id AND d.service_id IS NULL AND d.period_end >= $1
)
ORDER BY s.tenant_id;

-- fetch_check_columns --
-- A service is one row of three arrays: rows of checks would cost ten times as much to
-- carry. Checks that say nothing about the service, in maintenance or without a
-- network, are left out.
SELECT service_id,
    array_agg(extract(epoch FROM checked_at)::double precision ORDER BY checked_at)
        AS at,
    array_agg(CASE WHEN ok THEN latency_ms END ORDER BY checked_at) AS latency_ms,
    array_agg(ok ORDER BY checked_at) AS ok
FROM check_results
WHERE tenant_id = $1 AND service_id = ANY($2::uuid[])
    AND checked_at >= $3 AND checked_at < $4
    AND NOT missed AND NOT metadata ?| ARRAY['maintenance', 'network_lost']
GROUP BY service_id;

-- fetch_result_ids --
-- The results behind an anomaly, the oldest first.
SELECT id FROM check_results
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR service_id = $2)
    AND checked_at = ANY($3::timestamptz[])
ORDER BY checked_at, id LIMIT $4;

-- upsert_anomaly --
-- An anomaly that overlaps a known one is the same, found again on demand or on the next
-- day. A deleted service has none.
INSERT INTO anomalies (id, tenant_id, service_id, started_at, ended_at, score, feature,
    details, result_ids, created_at)
SELECT coalesce((
        SELECT id FROM anomalies
        WHERE tenant_id = $2 AND service_id IS NOT DISTINCT FROM $3::uuid
            AND started_at <= $5 AND ended_at >= $4
        ORDER BY started_at LIMIT 1
    ), $1), $2, $3::uuid, $4, $5, $6, $7, $8, $9, $10
WHERE $3::uuid IS NULL
    OR EXISTS (SELECT FROM services WHERE tenant_id = $2 AND id = $3::uuid)
ON CONFLICT (id) DO UPDATE SET
    started_at = least(anomalies.started_at, excluded.started_at),
    ended_at = greatest(anomalies.ended_at, excluded.ended_at),
    score = excluded.score, feature = excluded.feature, details = excluded.details,
    result_ids = excluded.result_ids
RETURNING xmax = 0 AS is_new;

-- upsert_digest --
-- A period has one digest, the latest one. That of the last period is copied to where
-- the summary reads it. A deleted service has none.
WITH kept AS (
    INSERT INTO digests (id, tenant_id, service_id, period_start, period_end,
        summary_text, anomaly_count, facts, written_by, created_at)
    SELECT $1, $2, $3::uuid, $4, $5, $6, $7, $8, $9, $10
    WHERE $3::uuid IS NULL
        OR EXISTS (SELECT FROM services WHERE tenant_id = $2 AND id = $3::uuid)
    ON CONFLICT (id) DO UPDATE SET summary_text = excluded.summary_text,
        anomaly_count = excluded.anomaly_count, facts = excluded.facts,
        written_by = excluded.written_by, created_at = excluded.created_at
    RETURNING tenant_id, service_id, period_start, period_end, summary_text,
        anomaly_count
)
INSERT INTO latest_digests AS l (tenant_id, service_id, period_start, period_end,
    summary_text, anomaly_count)
SELECT * FROM kept
ON CONFLICT (tenant_id, service_id) DO UPDATE SET period_start = excluded.period_start,
    period_end = excluded.period_end, summary_text = excluded.summary_text,
    anomaly_count = excluded.anomaly_count
WHERE l.period_end <= excluded.period_end;

-- count_digests --
-- Apart from the page, which reads only as many rows as it shows.
SELECT count(*) FROM digests
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR service_id = $2);

-- fetch_digests_page --
-- A tenant's digests, the newest first.
SELECT * FROM digests
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR service_id = $2)
ORDER BY created_at DESC, id LIMIT $3 OFFSET $4;

-- fetch_latest_digest --
-- The latest digest of a service, or the overall one.
SELECT * FROM digests
WHERE tenant_id = $1 AND service_id IS NOT DISTINCT FROM $2::uuid
ORDER BY period_end DESC, created_at DESC LIMIT 1;

-- count_anomalies --
-- Apart from the page, which reads only as many rows as it shows.
SELECT count(*) FROM anomalies
WHERE tenant_id = $1
    AND ($2::uuid IS NULL OR service_id = $2)
    AND ($3::timestamptz IS NULL OR ended_at >= $3)
    AND ($4::timestamptz IS NULL OR started_at < $4);

-- fetch_anomalies_page --
-- A tenant's anomalies, the newest first.
SELECT * FROM anomalies
WHERE tenant_id = $1
    AND ($2::uuid IS NULL OR service_id = $2)
    AND ($3::timestamptz IS NULL OR ended_at >= $3)
    AND ($4::timestamptz IS NULL OR started_at < $4)
ORDER BY started_at DESC, id LIMIT $5 OFFSET $6;

-- delete_old_findings --
-- They are kept as long as their results.
WITH gone AS (
    DELETE FROM anomalies WHERE ended_at < $1
), latest AS (
    DELETE FROM latest_digests WHERE period_end < $1
)
DELETE FROM digests WHERE period_end < $1;

-- try_lock_analysis --
-- Two concurrent analyses of a tenant would write the same. The lock ends with the
-- session.
SELECT pg_try_advisory_lock(hashtextextended('pilito analysis ' || $1::text, 0));

-- unlock_analysis --
-- The session may live on in a pool.
SELECT pg_advisory_unlock(hashtextextended('pilito analysis ' || $1::text, 0));
