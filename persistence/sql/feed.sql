-- fetch_feed_end --
-- Where a reader who starts now begins: what is older, lists show.
SELECT shard, seq FROM shards ORDER BY shard;

-- fetch_feed_page --
-- A tenant's changes after a cursor, each shard's in order of its commits. A shard that
-- the cursor does not name is younger than it: all of its changes are news.
SELECT page.*
FROM shards s
LEFT JOIN unnest($2::smallint[], $3::bigint[]) AS cursor (shard, seq)
    ON cursor.shard = s.shard
CROSS JOIN LATERAL (
    SELECT e.shard, e.seq, e.conversation_id, e.message_ids
    FROM conversation_events e
    WHERE e.tenant_id = $1 AND e.shard = s.shard AND e.seq > coalesce(cursor.seq, 0)
    ORDER BY e.seq LIMIT $4
) AS page
ORDER BY page.seq, page.shard
LIMIT $4;

-- fetch_tenants_with_news --
-- Asked once for all who follow in a process: of these tenants, who has changes in
-- these shards from these numbers on? Only each one's newest change is looked at.
SELECT t.id FROM unnest($1::uuid[]) AS t (id)
WHERE EXISTS (
    SELECT FROM unnest($2::smallint[], $3::bigint[]) AS news (shard, first_seq)
    WHERE news.first_seq <= (
        SELECT e.seq FROM conversation_events e
        WHERE e.tenant_id = t.id AND e.shard = news.shard
        ORDER BY e.seq DESC LIMIT 1
    )
);
