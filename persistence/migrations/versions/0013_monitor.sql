-- Why: the summary of a thousand services joined three windows of each and looked its
-- last digest up among all that were ever written: most of its time, at each look.

CREATE TABLE shown_windows (
    service_id uuid PRIMARY KEY REFERENCES services ON DELETE CASCADE,
    -- Of all periods, as text that is sent as it stands.
    windows json NOT NULL
);

CREATE TABLE latest_digests (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- Null: over all services of the tenant.
    service_id uuid REFERENCES services ON DELETE CASCADE,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    summary_text text NOT NULL,
    anomaly_count int NOT NULL,
    UNIQUE NULLS NOT DISTINCT (tenant_id, service_id)
);
CREATE INDEX latest_digests_service ON latest_digests (service_id);

INSERT INTO latest_digests (tenant_id, service_id, period_start, period_end,
    summary_text, anomaly_count)
SELECT DISTINCT ON (tenant_id, service_id) tenant_id, service_id, period_start,
    period_end, summary_text, anomaly_count
FROM digests ORDER BY tenant_id, service_id, period_end DESC, created_at DESC;

-- And why: a new service waited for its first check until the next slot, and a check
-- that a person asked a runtime for which does not watch was refused.

CREATE TABLE check_requests (
    -- It becomes the id of the result.
    id uuid PRIMARY KEY,
    service_id uuid NOT NULL REFERENCES services ON DELETE CASCADE,
    asked_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX check_requests_service ON check_requests (service_id);

CREATE FUNCTION ring_monitor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('pilito_monitor', TG_ARGV[0]);
    RETURN NULL;
END
$$;
-- Triggers, so that whoever writes a service, a person, a file or the runtime, rings.
CREATE TRIGGER services_ring AFTER INSERT OR UPDATE OF enabled ON services
    FOR EACH STATEMENT EXECUTE FUNCTION ring_monitor('services');
CREATE TRIGGER check_requests_asked AFTER INSERT ON check_requests
    FOR EACH STATEMENT EXECUTE FUNCTION ring_monitor('asked');
CREATE TRIGGER check_requests_answered AFTER DELETE ON check_requests
    FOR EACH STATEMENT EXECUTE FUNCTION ring_monitor('answered');
