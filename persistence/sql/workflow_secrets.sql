-- insert_secret --
-- Two that need the first secret at once make one: the second finds the row.
INSERT INTO workflow_signing_secrets (tenant_id, secret, created_at)
VALUES ($1, $2, $3)
ON CONFLICT (tenant_id) DO NOTHING;

-- fetch_secret --
-- The tenant's secret, encrypted.
SELECT secret, created_at FROM workflow_signing_secrets WHERE tenant_id = $1;

-- replace_secret --
-- From now on webhooks are signed with this one alone.
INSERT INTO workflow_signing_secrets (tenant_id, secret, created_at)
VALUES ($1, $2, $3)
ON CONFLICT (tenant_id) DO UPDATE
SET secret = EXCLUDED.secret, created_at = EXCLUDED.created_at;
