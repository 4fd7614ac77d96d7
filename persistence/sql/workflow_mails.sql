-- lock_address --
-- Two tenants that write to one address at once are counted one after the other.
SELECT pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 33));

-- fetch_mail --
-- What is known of a step's mail, before it is claimed.
SELECT state, claimed_at FROM workflow_mails
WHERE run_id = $1 AND step = $2 AND tenant_id = $3;

-- fetch_mail_counts --
-- Mails of the tenant within an hour, and to the address, of any tenant, within a day.
-- The step's own earlier attempts do not count.
SELECT
    (SELECT count(*) FROM workflow_mails WHERE tenant_id = $1
        AND claimed_at > $3::timestamptz - interval '1 hour'
        AND (run_id, step) <> ($4, $5)) AS of_tenant,
    (SELECT count(*) FROM workflow_mails WHERE address_hash = $2
        AND claimed_at > $3 - interval '1 day'
        AND (run_id, step) <> ($4, $5)) AS to_address;

-- claim_mail --
-- Only what certainly did not leave is claimed once more.
INSERT INTO workflow_mails
    (run_id, step, tenant_id, address_hash, state, claimed_at)
VALUES ($1, $2, $3, $4, 'sending', $5)
ON CONFLICT (run_id, step) DO UPDATE
SET state = 'sending', address_hash = EXCLUDED.address_hash,
    claimed_at = EXCLUDED.claimed_at
WHERE workflow_mails.state = 'returned'
    AND workflow_mails.tenant_id = EXCLUDED.tenant_id
RETURNING state;

-- settle_mail --
-- The attempt's outcome.
UPDATE workflow_mails SET state = $4
WHERE run_id = $1 AND step = $2 AND tenant_id = $3;

-- prune_mails --
-- A step of those that count no more, of all tenants.
DELETE FROM workflow_mails WHERE (run_id, step) IN (
    SELECT run_id, step FROM workflow_mails WHERE claimed_at < $1
    ORDER BY claimed_at LIMIT $2
);
