-- insert_channel --
-- No row if this tenant has a channel of the account, or if the channel is proven and
-- another one of the account is, too. A website's key is our own and needs no proof.
INSERT INTO channels
    (id, tenant_id, kind, name, account_id, access_token, webhook_secret, is_paused,
     connection, connection_note, automatic_greetings, suggestions, follow_ups, proven_at,
     visitor_secret)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
    CASE WHEN $14 OR $3 = 'website' THEN now() END, $15)
ON CONFLICT DO NOTHING
RETURNING *;

-- has_channels --
-- Whether the tenant has begun to connect anything.
SELECT EXISTS (SELECT FROM channels WHERE tenant_id = $1);

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
-- An event names the account that it happened to. Only who has proven it gets the event.
SELECT * FROM channels
WHERE kind = $1 AND account_id = $2 AND proven_at IS NOT NULL AND removed_at IS NULL;

-- fetch_claim --
-- A tenant's own channel of an account, proven or not.
SELECT * FROM channels
WHERE tenant_id = $1 AND kind = $2 AND account_id = $3 AND removed_at IS NULL;

-- lock_channel --
-- Serialises two edits, or an edit and a first message.
SELECT * FROM channels
WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL FOR UPDATE;

-- update_channel --
-- The unique keys decide between two edits at once. A proof is of one account: it ends
-- when the channel moves to another, and keeps its time when it is given again.
UPDATE channels c SET name = $3, is_paused = $4, account_id = $5, access_token = $6,
    connection = $7, connection_note = $8, automatic_greetings = $9,
    suggestions = $10, follow_ups = $11,
    proven_at = CASE
        WHEN account_id = $5 AND proven_at IS NOT NULL THEN proven_at
        WHEN $12 THEN now() END
WHERE tenant_id = $1 AND id = $2
RETURNING *;

-- forget_token --
-- The channel rests, and its history stays. The secret of its webhook is our own, and
-- is needed should the account be connected again.
UPDATE channels SET access_token = NULL, is_paused = true,
    connection = CASE WHEN connection IS NULL THEN NULL ELSE 'paused' END,
    connection_note = '', proven_at = CASE WHEN kind = 'website' THEN proven_at END
WHERE tenant_id = $1 AND id = $2 RETURNING *;

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
