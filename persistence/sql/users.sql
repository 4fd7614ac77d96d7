-- insert_user --
-- A taken name gives no row instead of an error that would end the transaction.
INSERT INTO users (id, tenant_id, username, password_hash, is_superuser)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (username) DO NOTHING
RETURNING id, tenant_id, username, password_hash, is_superuser, is_active;

-- fetch_user --
-- Every request checks that its user exists and is active.
SELECT id, tenant_id, username, password_hash, is_superuser, is_active
FROM users WHERE id = $1;

-- fetch_user_by_username --
-- Signing in.
SELECT id, tenant_id, username, password_hash, is_superuser, is_active
FROM users WHERE username = $1;

-- replace_password_hash --
-- The same password, hashed with today's parameters. A password that was changed in the
-- meantime has another hash, and stays.
UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2 RETURNING id;

-- set_user_active --
-- A user who left keeps the row, so that their answers keep an author.
UPDATE users SET is_active = $2 WHERE id = $1;
