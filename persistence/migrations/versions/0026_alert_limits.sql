-- Why: anyone with an account could have mails sent to strangers, by the hundred. An
-- address is confirmed by a mailed link before it is used, and alerts have limits.

ALTER TABLE alert_routes
    -- Null: no alert goes to this address yet.
    ADD COLUMN confirmed_at timestamptz,
    -- SHA-256 of the token of the latest link; the token itself stands in the mail.
    ADD COLUMN confirmation_hash bytea,
    ADD COLUMN confirmation_expires_at timestamptz,
    -- The token, encrypted, until it is handed to the mail server.
    ADD COLUMN confirmation_token bytea,
    ADD COLUMN confirmation_due_at timestamptz,
    ADD COLUMN confirmation_attempts smallint NOT NULL DEFAULT 0,
    -- Why the link could not be mailed; empty while it can.
    ADD COLUMN confirmation_error text NOT NULL DEFAULT '',
    -- When alerts above the limit were last summed up.
    ADD COLUMN summed_at timestamptz;
-- Routes that worked until now go on: their owners saw alerts arrive there.
UPDATE alert_routes SET confirmed_at = now();
CREATE UNIQUE INDEX alert_routes_confirmation ON alert_routes (confirmation_hash)
    WHERE confirmation_hash IS NOT NULL;
CREATE INDEX alert_routes_unmailed ON alert_routes (confirmation_due_at)
    WHERE confirmation_token IS NOT NULL;

-- The links that were asked for within a day: their number is limited by route, tenant
-- and address.
CREATE TABLE confirmation_mails (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- No reference: a route that is deleted and created again gains nothing.
    route_id uuid NOT NULL,
    address_hash bytea NOT NULL,
    requested_at timestamptz NOT NULL
);
CREATE INDEX confirmation_mails_tenant ON confirmation_mails (tenant_id, requested_at);
CREATE INDEX confirmation_mails_address ON confirmation_mails (address_hash);
CREATE INDEX confirmation_mails_age ON confirmation_mails (requested_at);

ALTER TABLE alert_deliveries
    ADD COLUMN created_at timestamptz,
    -- An attempt had no answer: the alert may have arrived.
    ADD COLUMN is_uncertain boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT alert_deliveries_delivery_check,
    -- held: above the limit; summed: told by a later summary.
    ADD CONSTRAINT alert_deliveries_delivery_check CHECK (delivery IN
        ('queued', 'sending', 'sent', 'unknown', 'failed', 'held', 'summed'));
UPDATE alert_deliveries d SET created_at = a.created_at
FROM alerts a WHERE a.id = d.alert_id;
ALTER TABLE alert_deliveries
    ALTER COLUMN created_at SET DEFAULT now(),
    ALTER COLUMN created_at SET NOT NULL;
CREATE INDEX alert_deliveries_recent ON alert_deliveries (tenant_id, created_at)
    WHERE delivery NOT IN ('held', 'summed');
CREATE INDEX alert_deliveries_held ON alert_deliveries (route_id)
    WHERE delivery = 'held';

ALTER TABLE alerts
    DROP CONSTRAINT alerts_kind_check,
    ADD CONSTRAINT alerts_kind_check CHECK (kind IN ('down', 'reminder', 'recovered',
        'flapping', 'certificate', 'anomaly', 'summary'));
-- Alerts of one incident leave in order.
CREATE INDEX alerts_incident ON alerts (incident_id) WHERE incident_id IS NOT NULL;

-- A check on demand may be asked for every ten seconds.
ALTER TABLE service_states ADD COLUMN asked_at timestamptz;
-- The least that the API takes now.
UPDATE services SET cooldown_s = 60 WHERE cooldown_s < 60;
UPDATE services SET reminder_s = 60 WHERE reminder_s BETWEEN 1 AND 59;
