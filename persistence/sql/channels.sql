-- insert_channel --
-- An account that is connected already gives no row; its tenant is not disclosed.
INSERT INTO channels
    (id, tenant_id, kind, name, account_id, access_token, webhook_secret, is_paused,
     connection, connection_note, automatic_greetings, suggestions, follow_ups,
     visitor_secret)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (kind, account_id) DO NOTHING
RETURNING *;

-- fetch_channels_page --
-- A tenant's channels, oldest first.
SELECT *, count(*) OVER () AS total FROM channels
WHERE tenant_id = $1 AND removed_at IS NULL ORDER BY created_at, id LIMIT $2 OFFSET $3;

-- count_channels --
-- For a page past the end, whose rows can't carry the total.
SELECT count(*) FROM channels WHERE tenant_id = $1 AND removed_at IS NULL;

-- fetch_tenant_channel --
-- One channel, if it is this tenant's.
SELECT * FROM channels WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL;

-- fetch_channel --
-- For webhooks and senders, which learn the tenant from the channel.
SELECT * FROM channels WHERE id = $1;

-- fetch_channel_by_account --
-- An event names the account that it happened to.
SELECT * FROM channels WHERE kind = $1 AND account_id = $2 AND removed_at IS NULL;

-- lock_channel --
-- Serialises two edits, or an edit and a first message.
SELECT * FROM channels
WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL FOR UPDATE;

-- update_channel --
-- Gives no row if another channel has the account; the unique key decides between two
-- edits at once.
UPDATE channels c SET name = $3, is_paused = $4, account_id = $5, access_token = $6,
    connection = $7, connection_note = $8, automatic_greetings = $9,
    suggestions = $10, follow_ups = $11
WHERE tenant_id = $1 AND id = $2 AND NOT EXISTS (
    SELECT FROM channels o
    WHERE o.kind = c.kind AND o.account_id = $5 AND o.id <> c.id)
RETURNING *;

-- record_link --
-- The platform was asked while no lock was held: that may take seconds.
UPDATE channels SET connection = $3, connection_note = $4
WHERE tenant_id = $1 AND id = $2 RETURNING *;

-- set_visitor_secret --
-- The secret before it is no secret any more: its hashes end at once.
UPDATE channels SET visitor_secret = $3
WHERE tenant_id = $1 AND id = $2 AND kind = 'website' AND removed_at IS NULL
RETURNING *;

-- has_conversations --
-- Deleting a channel deletes its conversations, so a channel in use is kept.
SELECT EXISTS (SELECT FROM conversations WHERE channel_id = $1);

-- delete_channel --
-- Called under the lock of `lock_channel`.
DELETE FROM channels WHERE tenant_id = $1 AND id = $2;

-- retire_channel --
-- Its conversations need the row. Nobody finds it by its old key, and no new one fits.
UPDATE channels SET account_id = 'removed ' || id, visitor_secret = NULL,
    is_paused = true, removed_at = now()
WHERE tenant_id = $1 AND id = $2;

-- notify_channels --
-- Every process drops this channel from its memory.
SELECT pg_notify('pilito_channels', $1::uuid::text);
