-- The way back: alerts go to every address, without limits. Cool-downs that were raised
-- stay as they are.
ALTER TABLE service_states DROP COLUMN asked_at;
DROP INDEX alerts_incident;
DELETE FROM alerts WHERE kind = 'summary';
ALTER TABLE alerts
    DROP CONSTRAINT alerts_kind_check,
    ADD CONSTRAINT alerts_kind_check CHECK (kind IN ('down', 'reminder', 'recovered',
        'flapping', 'certificate', 'anomaly'));
DROP INDEX alert_deliveries_recent, alert_deliveries_held;
UPDATE alert_deliveries SET delivery = 'failed', error = 'above the limit'
WHERE delivery IN ('held', 'summed');
ALTER TABLE alert_deliveries
    DROP CONSTRAINT alert_deliveries_delivery_check,
    ADD CONSTRAINT alert_deliveries_delivery_check CHECK (delivery IN
        ('queued', 'sending', 'sent', 'unknown', 'failed')),
    DROP COLUMN created_at,
    DROP COLUMN is_uncertain;
DROP TABLE confirmation_mails;
DROP INDEX alert_routes_confirmation, alert_routes_unmailed;
-- A release without confirmations would mail to addresses that nobody confirmed.
UPDATE alert_routes SET enabled = false WHERE confirmed_at IS NULL;
ALTER TABLE alert_routes
    DROP COLUMN confirmed_at,
    DROP COLUMN confirmation_hash,
    DROP COLUMN confirmation_expires_at,
    DROP COLUMN confirmation_token,
    DROP COLUMN confirmation_due_at,
    DROP COLUMN confirmation_attempts,
    DROP COLUMN confirmation_error,
    DROP COLUMN summed_at;
