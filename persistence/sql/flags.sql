-- fetch_flags --
-- A replica's whole snapshot; what has run out is judged by its reader's clock.
SELECT name, value, expires_at FROM flags;

-- lock_flags --
-- Two changes at once would both see the same old value. Readers don't wait.
LOCK TABLE flags IN SHARE ROW EXCLUSIVE MODE;

-- upsert_flag --
-- A new value replaces the old one and its end.
INSERT INTO flags (name, value, expires_at, updated_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE
SET value = excluded.value, expires_at = excluded.expires_at,
    updated_at = excluded.updated_at;

-- delete_flag --
-- Back to the default.
DELETE FROM flags WHERE name = $1;

-- fetch_flag --
-- What counted before a change; what had run out did not.
SELECT value, expires_at FROM flags
WHERE name = $1 AND (expires_at IS NULL OR expires_at > $2);

-- insert_flag_change --
-- The name of who did it is kept as it is now; nobody means the runtime itself.
INSERT INTO flag_changes (name, at, author, old, new, expires_at)
VALUES (
    $1, $2, coalesce((SELECT username FROM users WHERE id = $3), 'pilito'), $4, $5, $6
);

-- notify_flags --
-- With the commit, every replica reads anew.
SELECT pg_notify('pilito_flags', $1);

-- count_flag_changes --
-- For the pages of the history.
SELECT count(*) FROM flag_changes WHERE $1::text IS NULL OR name = $1;

-- fetch_flag_changes --
-- The history, newest first.
SELECT id, name, at, author, old, new, expires_at FROM flag_changes
WHERE $1::text IS NULL OR name = $1
ORDER BY id DESC LIMIT $2 OFFSET $3;
