-- record_proof --
-- The unique key of proven channels decides between two tenants at once. A token that was
-- forgotten or replaced while the platform was asked proves nothing any more.
UPDATE channels SET proven_at = coalesce(proven_at, now())
WHERE tenant_id = $1 AND id = $2 AND account_id = $3
    AND access_token IS NOT DISTINCT FROM $4 AND removed_at IS NULL
RETURNING *;

-- withdraw_proof --
-- Another tenant has proven the account, and the platform refused this channel's token.
-- Nothing changes if the channel was given another token meanwhile.
UPDATE channels SET proven_at = NULL, connection = 'refused', connection_note = $4
WHERE tenant_id = $1 AND id = $2 AND access_token IS NOT DISTINCT FROM $3
    AND proven_at IS NOT NULL
RETURNING id;
