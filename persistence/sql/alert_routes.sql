-- insert_route --
-- A name that is taken gives no row. With a token the address is confirmed first.
INSERT INTO alert_routes (id, tenant_id, kind, name, target, enabled, confirmed_at,
    confirmation_hash, confirmation_token, confirmation_expires_at, confirmation_due_at)
VALUES ($1, $2, $3, $4, $5, true,
    CASE WHEN $6::bytea IS NULL THEN now() END, $6, $7, $8, $9)
ON CONFLICT (tenant_id, name) DO NOTHING
RETURNING *;

-- fetch_route --
-- One route, if it is this tenant's.
SELECT * FROM alert_routes WHERE tenant_id = $1 AND id = $2;

-- fetch_routes_page --
-- A tenant's routes by name.
SELECT * FROM alert_routes
WHERE tenant_id = $1 ORDER BY name LIMIT $2 OFFSET $3;

-- fetch_confirmed_mail_targets --
-- Workflows write to them, too, also while no alert does.
SELECT target FROM alert_routes
WHERE tenant_id = $1 AND kind = 'email' AND confirmed_at IS NOT NULL ORDER BY name;

-- count_routes --
-- The total number.
SELECT count(*) FROM alert_routes WHERE tenant_id = $1;

-- switch_route --
-- Deliveries that are being sent go on.
UPDATE alert_routes SET enabled = $3 WHERE tenant_id = $1 AND id = $2 RETURNING *;

-- replace_target --
-- A chat that has moved to another id.
UPDATE alert_routes SET target = $3 WHERE tenant_id = $1 AND id = $2;

-- delete_route --
-- Its unsent deliveries are deleted with it.
DELETE FROM alert_routes WHERE tenant_id = $1 AND id = $2 RETURNING id;

-- lock_address --
-- Two tenants that name one address at once are counted one after the other.
SELECT pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 26));

-- delete_old_confirmation_mails --
-- They count for a day.
DELETE FROM confirmation_mails WHERE requested_at < $1;

-- fetch_confirmation_counts --
-- The links that were asked for: of this route within a minute, of the tenant within an
-- hour, and to this address, by any tenant, within a day.
SELECT
    (SELECT count(*) FROM confirmation_mails WHERE tenant_id = $1 AND route_id = $2
        AND requested_at > $4::timestamptz - interval '1 minute') AS of_route,
    (SELECT count(*) FROM confirmation_mails WHERE tenant_id = $1
        AND requested_at > $4 - interval '1 hour') AS of_tenant,
    (SELECT count(*) FROM confirmation_mails WHERE address_hash = $3
        AND requested_at > $4 - interval '1 day') AS to_address;

-- insert_confirmation_mail --
-- Counted when it is asked for, whether or not it arrives.
INSERT INTO confirmation_mails (tenant_id, route_id, address_hash, requested_at)
VALUES ($1, $2, $3, $4);

-- renew_confirmation --
-- A new link; the former one is worthless. A confirmed route needs none.
UPDATE alert_routes SET confirmation_hash = $3, confirmation_token = $4,
    confirmation_expires_at = $5, confirmation_due_at = $6, confirmation_attempts = 0,
    confirmation_error = ''
WHERE tenant_id = $1 AND id = $2 AND confirmed_at IS NULL
RETURNING *;

-- claim_confirmation --
-- The next link to mail. The token leaves the row before the mail is sent, so that a
-- sender that stops in between sends no second mail.
WITH due AS (
    SELECT id, confirmation_token FROM alert_routes
    WHERE confirmation_token IS NOT NULL AND confirmation_due_at <= $1
    ORDER BY confirmation_due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE alert_routes r SET confirmation_token = NULL, confirmation_error = '',
    confirmation_attempts = r.confirmation_attempts + 1
FROM due, tenants t WHERE r.id = due.id AND t.id = r.tenant_id
RETURNING r.id, r.tenant_id, r.target, due.confirmation_token AS token,
    r.confirmation_hash AS hash, r.confirmation_attempts AS attempts,
    t.name AS tenant_name, t.language;

-- return_confirmation --
-- The mail was not sent: later again, or never where no token is given. A link that was
-- renewed meanwhile has a mail of its own.
UPDATE alert_routes SET confirmation_token = $4, confirmation_due_at = $5,
    confirmation_error = $6
WHERE tenant_id = $1 AND id = $2 AND confirmation_hash = $3;

-- fetch_confirmation --
-- Asked without a sign-in: the token alone names the route.
SELECT r.id, r.tenant_id, t.name AS tenant_name, t.language
FROM alert_routes r JOIN tenants t ON t.id = r.tenant_id
WHERE r.confirmation_hash = $1 AND r.confirmation_expires_at > $2
    AND r.confirmed_at IS NULL;

-- confirm_route --
-- Once: the link is worthless afterwards.
UPDATE alert_routes SET confirmed_at = $2, confirmation_hash = NULL,
    confirmation_token = NULL, confirmation_expires_at = NULL,
    confirmation_due_at = NULL, confirmation_error = ''
WHERE confirmation_hash = $1 AND confirmation_expires_at > $2 AND confirmed_at IS NULL
RETURNING id, tenant_id;
