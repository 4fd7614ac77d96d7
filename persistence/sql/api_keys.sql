-- insert_api_key --
-- The key itself is shown once and kept nowhere.
INSERT INTO api_keys
    (id, tenant_id, user_id, name, scopes, key_hash, prefix, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING id, tenant_id, user_id, name, scopes, prefix, created_at, expires_at,
    last_used_at, revoked_at;

-- fetch_api_keys --
-- The tenant's keys, newest first; revoked ones say so for a while.
SELECT id, tenant_id, user_id, name, scopes, prefix, created_at, expires_at,
    last_used_at, revoked_at
FROM api_keys WHERE tenant_id = $1
ORDER BY created_at DESC, id LIMIT $2 OFFSET $3;

-- count_api_keys --
-- The total of the list's pages.
SELECT count(*) FROM api_keys WHERE tenant_id = $1;

-- count_live_api_keys --
-- A tenant has a limited number of keys that work.
SELECT count(*) FROM api_keys
WHERE tenant_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2);

-- revoke_api_key --
-- The row stays for a while: a list that says when a key was revoked explains a failure.
UPDATE api_keys SET revoked_at = $3
WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING id;

-- prune_api_keys --
-- Keys that have not worked for long.
DELETE FROM api_keys WHERE tenant_id = $1 AND least(revoked_at, expires_at) < $2;

-- fetch_key_access --
-- Each call of a program: the key, and the present rights of the person who made it.
SELECT k.id AS key_id, k.tenant_id, k.user_id, k.scopes, k.expires_at, u.role,
    u.is_superuser, coalesce(k.last_used_at < $2::timestamptz - interval '1 minute', true)
    AS is_use_stale
FROM api_keys k JOIN users u ON u.id = k.user_id AND u.tenant_id = k.tenant_id
WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND u.is_active
    AND (k.expires_at IS NULL OR k.expires_at > $2);

-- touch_api_key --
-- Once a minute at most: a busy key must not write a row with each call.
UPDATE api_keys SET last_used_at = $3 WHERE tenant_id = $1 AND id = $2;
