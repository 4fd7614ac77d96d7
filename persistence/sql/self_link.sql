-- ensure_platform_services --
-- One service for each channel on a platform with an API, enabled with the channel. Any
-- answer of the platform will do.
INSERT INTO services (id, tenant_id, name, base_url, health_path, expected_status,
    timeout_s, enabled, failure_threshold, success_threshold, origin, channel_id)
SELECT gen_random_uuid(), c.tenant_id,
    left(format('%s API (%s)', initcap(c.kind), c.name), 180) || ' ' || left(c.id::text, 8),
    p.base_url, '/', $3::int[], 10, NOT c.is_paused, 2, 1, 'platform', c.id
FROM channels c
JOIN unnest($1::text[], $2::text[]) AS p(kind, base_url) ON p.kind = c.kind
ON CONFLICT (channel_id) WHERE channel_id IS NOT NULL DO UPDATE
    SET enabled = excluded.enabled, base_url = excluded.base_url,
        enabled_at = CASE WHEN excluded.enabled AND NOT services.enabled
            THEN now() ELSE services.enabled_at END
    WHERE services.enabled <> excluded.enabled
        OR services.base_url <> excluded.base_url;

-- ensure_runtime_services --
-- The runtime's own parts, for the tenants of superusers. A service that a person has
-- disabled stays disabled.
INSERT INTO services (id, tenant_id, name, base_url, health_path, expected_status,
    timeout_s, conditions, origin)
SELECT gen_random_uuid(), t.tenant_id, p.name, $1, $2, $3::int[], 5,
    jsonb_build_array(p.condition), 'runtime'
FROM (SELECT DISTINCT tenant_id FROM users WHERE is_superuser) t
CROSS JOIN unnest($4::text[], $5::jsonb[]) AS p(name, condition)
ON CONFLICT (tenant_id, name) DO UPDATE SET base_url = excluded.base_url
    WHERE services.base_url <> excluded.base_url AND services.origin = 'runtime';

-- ensure_states --
-- Every service has a row of its state.
INSERT INTO service_states (service_id, tenant_id)
SELECT id, tenant_id FROM services s
WHERE origin <> 'user'
    AND NOT EXISTS (SELECT FROM service_states t WHERE t.service_id = s.id)
ON CONFLICT DO NOTHING;

-- is_platform_away --
-- Whether a channel's messages should wait: at a recent check its platform was down, or
-- our own network was. A monitor that has stopped holds nothing back.
SELECT EXISTS (
    SELECT FROM services s JOIN service_states t ON t.service_id = s.id
    WHERE s.channel_id = $1 AND s.enabled AND t.status IN ('down', 'unknown')
        AND t.latest_ok = false
        AND (t.status = 'down' OR t.state ->> 'verdict' = 'up')
        AND t.latest_checked_at > now() - interval '1 hour');
