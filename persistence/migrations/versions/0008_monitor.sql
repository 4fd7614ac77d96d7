-- Why: the health monitor. A check is claimed before it begins and its result is unique
-- by slot, so that neither a crash nor a second runtime can double one. What lists and
-- the summary show is kept beside each service, worked out when it changes.

CREATE TABLE services (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name text NOT NULL,
    base_url text NOT NULL,
    health_path text NOT NULL DEFAULT '/',
    method text NOT NULL DEFAULT 'GET' CHECK (method IN ('GET', 'POST', 'HEAD')),
    -- A JSON object, encrypted with the runtime's secret key.
    headers bytea,
    body text,
    timeout_s double precision NOT NULL DEFAULT 10,
    -- Empty: any 2xx.
    expected_status int[] NOT NULL DEFAULT '{}',
    -- What the body must say; see actors/monitor/conditions.py.
    conditions jsonb NOT NULL DEFAULT '[]',
    enabled boolean NOT NULL DEFAULT true,
    -- So many failures in a row make it down, so many passes bring it back.
    failure_threshold smallint NOT NULL DEFAULT 3,
    success_threshold smallint NOT NULL DEFAULT 2,
    -- A pass that took longer is a slow one; null where slowness does not matter.
    degraded_after_ms double precision,
    -- Notices keep this distance; while it stays down it is told again after that.
    cooldown_s int NOT NULL DEFAULT 900,
    reminder_s int NOT NULL DEFAULT 21600,
    -- Who made it: a person, the runtime for its own parts, or for a platform.
    origin text NOT NULL DEFAULT 'user'
        CHECK (origin IN ('user', 'runtime', 'platform')),
    -- The channel whose outbox rests while this service is down.
    channel_id uuid REFERENCES channels ON DELETE CASCADE,
    -- Slots before this are nobody's loss.
    enabled_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, name)
);
CREATE UNIQUE INDEX services_channel ON services (channel_id)
    WHERE channel_id IS NOT NULL;

CREATE TABLE service_states (
    service_id uuid PRIMARY KEY REFERENCES services ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'unknown'
        CHECK (status IN ('unknown', 'up', 'degraded', 'down', 'maintenance')),
    status_since timestamptz,
    -- What the rules read; null before the first check.
    state jsonb,
    -- The last slot that somebody began to check.
    claimed_slot timestamptz,
    -- The latest result, for lists and the summary.
    latest_result_id uuid,
    latest_checked_at timestamptz,
    latest_status_code int,
    latest_ok boolean,
    latest_latency_ms double precision,
    latest_error text,
    tls_expires_at timestamptz
);

CREATE TABLE check_results (
    -- Derived from service and slot for a scheduled check.
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    service_id uuid NOT NULL REFERENCES services ON DELETE CASCADE,
    -- Null for a check that a person asked for.
    slot_at timestamptz,
    checked_at timestamptz NOT NULL,
    status_code int,
    ok boolean NOT NULL,
    -- Of the last attempt; null when nothing answered.
    latency_ms double precision,
    attempts smallint NOT NULL,
    error text,
    -- Nobody checked in this slot; `error` says why.
    missed boolean NOT NULL DEFAULT false,
    tls_expires_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}',
    UNIQUE (service_id, slot_at)
);
CREATE INDEX check_results_service ON check_results (service_id, checked_at);
CREATE INDEX check_results_tenant ON check_results (tenant_id, checked_at DESC, id);
-- Retention goes by time, over all tenants.
CREATE INDEX check_results_age ON check_results USING brin (checked_at);

CREATE TABLE service_transitions (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    service_id uuid NOT NULL REFERENCES services ON DELETE CASCADE,
    at timestamptz NOT NULL,
    old text NOT NULL,
    new text NOT NULL,
    reason text NOT NULL DEFAULT '',
    -- The result that brought it about.
    result_id uuid
);
CREATE INDEX service_transitions_service ON service_transitions (service_id, at DESC);
CREATE INDEX service_transitions_tenant
    ON service_transitions (tenant_id, at DESC, id);

CREATE TABLE maintenance_windows (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- Null: all services of the tenant.
    service_id uuid REFERENCES services ON DELETE CASCADE,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    reason text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (starts_at < ends_at)
);
CREATE INDEX maintenance_windows_tenant
    ON maintenance_windows (tenant_id, ends_at DESC);

CREATE TABLE check_rollups (
    tenant_id uuid NOT NULL,
    service_id uuid NOT NULL REFERENCES services ON DELETE CASCADE,
    -- Hours serve a day and the charts, days serve weeks and months.
    unit text NOT NULL CHECK (unit IN ('hour', 'day')),
    starts_at timestamptz NOT NULL,
    checks int NOT NULL,
    passed int NOT NULL,
    -- Failures of our own network or in maintenance: they count for nothing.
    excused int NOT NULL DEFAULT 0,
    latency_sum_ms double precision NOT NULL,
    -- Latencies of passed checks: `counts[i]` fell into the bucket `buckets[i]`, whose
    -- middle is 1.1 ^ (bucket - 0.5) milliseconds.
    buckets smallint[] NOT NULL,
    counts int[] NOT NULL,
    PRIMARY KEY (service_id, unit, starts_at)
);
CREATE INDEX check_rollups_unit ON check_rollups (unit, starts_at);

CREATE TABLE service_windows (
    -- Uptime and percentiles of a day, a week, a month, as the summary shows them.
    service_id uuid NOT NULL REFERENCES services ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    period text NOT NULL CHECK (period IN ('24h', '7d', '30d')),
    checks int NOT NULL,
    passed int NOT NULL,
    p50_ms double precision,
    p95_ms double precision,
    p99_ms double precision,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (service_id, period)
);
CREATE INDEX service_windows_tenant ON service_windows (tenant_id);

CREATE TABLE monitor_leases (
    -- Who watches; another runtime takes over when it is not renewed in time.
    name text PRIMARY KEY,
    holder uuid NOT NULL,
    epoch bigint NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE alert_routes (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('webhook', 'email', 'telegram')),
    name text NOT NULL,
    -- A JSON object of addresses and secrets, encrypted.
    target bytea NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, name)
);

CREATE TABLE alerts (
    -- Derived from what is told and what told it: after a crash it is the same.
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- Null when the news is about all services together.
    service_id uuid REFERENCES services ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN (
        'down', 'reminder', 'recovered', 'flapping', 'certificate', 'anomaly')),
    -- The incident it belongs to, if any.
    incident_id uuid,
    text text NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL
);
CREATE INDEX alerts_tenant ON alerts (tenant_id, created_at DESC, id);

CREATE TABLE alert_deliveries (
    alert_id uuid NOT NULL REFERENCES alerts ON DELETE CASCADE,
    route_id uuid NOT NULL REFERENCES alert_routes ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    delivery text NOT NULL DEFAULT 'queued'
        CHECK (delivery IN ('queued', 'sending', 'sent', 'unknown', 'failed')),
    attempts smallint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    error text NOT NULL DEFAULT '',
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (alert_id, route_id)
);
CREATE INDEX alert_deliveries_due ON alert_deliveries (due_at)
    WHERE delivery IN ('queued', 'sending');

CREATE TABLE digests (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- Null: over all services of the tenant.
    service_id uuid REFERENCES services ON DELETE CASCADE,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    summary_text text NOT NULL,
    anomaly_count int NOT NULL DEFAULT 0,
    facts jsonb NOT NULL DEFAULT '{}',
    -- The model that worded it, or 'rules'.
    written_by text NOT NULL DEFAULT 'rules',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX digests_latest ON digests (tenant_id, service_id, period_end DESC);
CREATE INDEX digests_tenant ON digests (tenant_id, created_at DESC, id);

CREATE TABLE anomalies (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- Null: all services together were odd.
    service_id uuid REFERENCES services ON DELETE CASCADE,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    score double precision NOT NULL,
    -- Which feature was the oddest.
    feature text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    result_ids uuid[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX anomalies_tenant ON anomalies (tenant_id, started_at DESC, id);
CREATE INDEX anomalies_service ON anomalies (service_id, started_at DESC);
