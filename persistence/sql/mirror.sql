-- fetch_shard_epoch --
-- A shard that another process holds by now leaves the mirror to that process.
SELECT epoch FROM shards WHERE shard = $1;

-- fetch_mirrored --
-- What the mirror must show of conversations that changed, read after their commit. The
-- version orders the writes.
SELECT id, version, (state->>'ai_enabled')::boolean AS ai_enabled,
    nullif(state->'pending_share', 'null')::text AS pending_share
FROM conversations WHERE id = ANY($1::uuid[]);

-- fetch_mirrored_page --
-- The same for all conversations, page by page: nothing else tells what a mirror that
-- was away, or was emptied, has missed. Every shard reads them all and drops what is
-- not its own: for a condition on the slot the planner would read the table each time.
SELECT id, version, (state->>'ai_enabled')::boolean AS ai_enabled,
    nullif(state->'pending_share', 'null')::text AS pending_share
FROM conversations WHERE id > $1 ORDER BY id LIMIT $2;
