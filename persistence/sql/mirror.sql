-- fetch_places --
-- Who holds which shard: whoever is not in its place must not write to the mirror.
SELECT shard, epoch FROM shards;

-- fetch_mirrored --
-- What the mirror must show of conversations that changed. Read after their commit, so
-- it is never older than what is in the mirror already.
SELECT id, (state->>'ai_enabled')::boolean AS ai_enabled,
    nullif(state->'pending_share', 'null')::text AS pending_share
FROM conversations WHERE id = ANY($1::uuid[]);

-- fetch_mirrored_page --
-- The same for all conversations, page by page: nothing else tells what a mirror that
-- was away, or was emptied, has missed. Every shard reads them all and drops what is
-- not its own: for a condition on the slot the planner would read the table each time.
SELECT id, (state->>'ai_enabled')::boolean AS ai_enabled,
    nullif(state->'pending_share', 'null')::text AS pending_share
FROM conversations WHERE id > $1 ORDER BY id LIMIT $2;
