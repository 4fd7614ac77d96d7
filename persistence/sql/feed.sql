-- fetch_feed_end --
-- The start of a new reader; older changes are in the lists of the API.
SELECT shard, seq FROM shards ORDER BY shard;

-- fetch_feed_page --
-- A tenant's changes after a cursor, each shard's in order of commits. A shard that the
-- cursor does not name is younger than it: all of its changes are new.
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
-- One query for all followers in a process: which tenants have changes in these shards
-- from these numbers on? Only the newest change of each is read.
SELECT t.id FROM unnest($1::uuid[]) AS t (id)
WHERE EXISTS (
    SELECT FROM unnest($2::smallint[], $3::bigint[]) AS news (shard, first_seq)
    WHERE news.first_seq <= (
        SELECT e.seq FROM conversation_events e
        WHERE e.tenant_id = t.id AND e.shard = news.shard
        ORDER BY e.seq DESC LIMIT 1
    )
);
