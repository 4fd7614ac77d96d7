-- fetch_flags --
-- All flags for a replica, which compares the ends with its own clock.
SELECT name, value, expires_at FROM flags;

-- lock_flags --
-- Serialises changes, so that the history has the right old value. Readers don't wait.
LOCK TABLE flags IN SHARE ROW EXCLUSIVE MODE;

-- upsert_flag --
-- A new value replaces the old value and its end.
INSERT INTO flags (name, value, expires_at, updated_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE
SET value = excluded.value, expires_at = excluded.expires_at,
    updated_at = excluded.updated_at;

-- delete_flag --
-- The default applies again.
DELETE FROM flags WHERE name = $1;

-- fetch_flag --
-- The value before a change; an expired one did not count.
SELECT value, expires_at FROM flags
WHERE name = $1 AND (expires_at IS NULL OR expires_at > $2);

-- insert_flag_change --
-- The author's present name is kept; without a user it was the runtime itself.
INSERT INTO flag_changes (name, at, author, old, new, expires_at)
VALUES (
    $1, $2, coalesce((SELECT username FROM users WHERE id = $3), 'pilito'), $4, $5, $6
);

-- notify_flags --
-- Every replica reads the flags again after the commit.
SELECT pg_notify('pilito_flags', $1);

-- count_flag_changes --
-- The total of the history's pages.
SELECT count(*) FROM flag_changes WHERE $1::text IS NULL OR name = $1;

-- fetch_flag_changes --
-- The history, newest first.
SELECT id, name, at, author, old, new, expires_at FROM flag_changes
WHERE $1::text IS NULL OR name = $1
ORDER BY id DESC LIMIT $2 OFFSET $3;
