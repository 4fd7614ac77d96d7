-- insert_user --
-- A taken name gives no row instead of an error that would end the transaction.
INSERT INTO users (id, tenant_id, username, password_hash, role, is_superuser)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (username) DO NOTHING
RETURNING id, tenant_id, username, password_hash, role, is_superuser, is_active,
    session_version, created_at;

-- fetch_user --
-- Commands and tests ask by id, whatever the tenant.
SELECT id, tenant_id, username, password_hash, role, is_superuser, is_active,
    session_version, created_at
FROM users WHERE id = $1;

-- fetch_user_by_username --
-- Signing in.
SELECT id, tenant_id, username, password_hash, role, is_superuser, is_active,
    session_version, created_at
FROM users WHERE username = $1;

-- fetch_member --
-- An owner reaches the people of their own tenant.
SELECT id, tenant_id, username, password_hash, role, is_superuser, is_active,
    session_version, created_at
FROM users WHERE tenant_id = $1 AND id = $2;

-- fetch_members --
-- The people of a tenant, in the order in which they came.
SELECT id, tenant_id, username, password_hash, role, is_superuser, is_active,
    session_version, created_at
FROM users WHERE tenant_id = $1
ORDER BY created_at, id LIMIT $2 OFFSET $3;

-- count_members --
-- The total of the list's pages.
SELECT count(*) FROM users WHERE tenant_id = $1;

-- count_other_owners --
-- A tenant keeps an owner who can sign in.
SELECT count(*) FROM users
WHERE tenant_id = $1 AND id <> $2 AND role = 'owner' AND is_active;

-- edit_member --
-- A null leaves its field as it was; a disabled person's tokens stay invalid afterwards.
UPDATE users SET role = coalesce($3, role), is_active = coalesce($4, is_active),
    session_version = session_version + ($4 IS FALSE)::int
WHERE tenant_id = $1 AND id = $2
RETURNING id, tenant_id, username, password_hash, role, is_superuser, is_active,
    session_version, created_at;

-- delete_member --
-- Sessions, keys and invitations go with the person.
DELETE FROM users WHERE tenant_id = $1 AND id = $2 RETURNING id;

-- replace_password_hash --
-- The same password, hashed with today's parameters. A password that was changed in the
-- meantime has another hash, and stays.
UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2 RETURNING id;

-- change_password_hash --
-- Another password: all sign-ins with the old one end, and with the version their tokens.
WITH changed AS (
    UPDATE users SET password_hash = $3, session_version = session_version + 1
    WHERE id = $1 AND password_hash = $2
    RETURNING *
), ended AS (
    DELETE FROM sessions WHERE user_id IN (SELECT id FROM changed)
)
SELECT id, tenant_id, username, password_hash, role, is_superuser, is_active,
    session_version, created_at
FROM changed;

-- set_user_active --
-- A user who left keeps the row, so that their answers keep an author. Tokens of before
-- stay invalid when the user is enabled again.
UPDATE users SET is_active = $2, session_version = session_version + (NOT $2)::int
WHERE id = $1;
