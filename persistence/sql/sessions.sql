-- insert_session --
-- A sign-in begins; only the hash of its refresh token is kept.
INSERT INTO sessions (id, tenant_id, user_id, token_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- prune_sessions --
-- Sign-ins that ended by themselves, and the oldest of a person who has too many.
DELETE FROM sessions WHERE user_id = $1 AND tenant_id = $2 AND (
    expires_at <= $3 OR id IN (
        SELECT id FROM sessions WHERE user_id = $1 AND tenant_id = $2
        ORDER BY created_at DESC, id OFFSET $4
    )
);

-- fetch_session_user --
-- Each request: the sign-in goes on, and the user is active and of the token's version.
SELECT u.id, u.tenant_id, u.username, u.password_hash, u.role, u.is_superuser,
    u.is_active, u.session_version, u.created_at
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = $1 AND s.user_id = $2 AND u.is_active AND u.session_version = $3;

-- rotate_session --
-- Takes the last refresh token only. A token that was used before finds no row.
UPDATE sessions s SET token_hash = $5, expires_at = $6
FROM users u
WHERE s.id = $1 AND s.user_id = $2 AND s.token_hash = $4 AND u.id = s.user_id
    AND u.is_active AND u.session_version = $3
RETURNING u.id, u.tenant_id, u.username, u.password_hash, u.role, u.is_superuser,
    u.is_active, u.session_version, u.created_at;

-- delete_session --
-- A log-out, or the end of a sign-in whose refresh token was used twice.
DELETE FROM sessions WHERE id = $1 AND user_id = $2 RETURNING id;

-- end_sessions --
-- All sign-ins of a person end, and with the version every token of theirs.
WITH ended AS (DELETE FROM sessions WHERE user_id = $1)
UPDATE users SET session_version = session_version + 1 WHERE id = $1;
