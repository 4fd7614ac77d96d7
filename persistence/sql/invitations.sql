-- insert_invitation --
-- The link is shown once; only its hash is kept.
INSERT INTO invitations
    (id, tenant_id, invited_by, role, note, token_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING id, tenant_id, invited_by, role, note, created_at, expires_at;

-- fetch_invitations --
-- Invitations that wait, newest first.
SELECT id, tenant_id, invited_by, role, note, created_at, expires_at
FROM invitations WHERE tenant_id = $1 AND expires_at > $2
ORDER BY created_at DESC, id LIMIT $3 OFFSET $4;

-- count_invitations --
-- The total of the list's pages, and the limit of a tenant.
SELECT count(*) FROM invitations WHERE tenant_id = $1 AND expires_at > $2;

-- prune_invitations --
-- Expired links are of no use.
DELETE FROM invitations WHERE tenant_id = $1 AND expires_at <= $2;

-- delete_invitation --
-- An owner takes an invitation back.
DELETE FROM invitations WHERE tenant_id = $1 AND id = $2 RETURNING id;

-- take_invitation --
-- A link is good once. The person who invited must still be allowed to: an owner who
-- left can't return by a link that they kept.
DELETE FROM invitations i USING users u
WHERE i.token_hash = $1 AND i.expires_at > $2 AND u.id = i.invited_by
    AND u.is_active AND (u.role = 'owner' OR u.is_superuser)
RETURNING i.id, i.tenant_id, i.invited_by, i.role, i.note, i.created_at, i.expires_at;
