-- fetch_customers_page --
-- A tenant's customers, newest first; the words match names, ids and notes.
SELECT k.id, k.channel_id, c.kind AS source, k.platform_id, k.first_name, k.last_name,
    k.username, k.tags, k.attributes, k.notes, k.created_at
FROM customers k
JOIN channels c ON c.id = k.channel_id
WHERE k.tenant_id = $1
    AND ($2::uuid IS NULL OR k.channel_id = $2)
    AND ($3::text IS NULL OR $3 = ANY(k.tags))
    AND ($4::text IS NULL
        OR concat_ws(
            ' ', k.first_name, k.last_name, k.username, k.platform_id, k.notes) ~* $4)
    AND k.created_at <= coalesce($7::timestamptz, 'infinity')
    AND ($7 IS NULL OR k.created_at < $7 OR k.id > $8::uuid)
ORDER BY k.created_at DESC, k.id
LIMIT $5 OFFSET $6;

-- count_customers --
-- Separate from the page, and only so far that there are more than anybody counts. A
-- search is not counted: it would be made twice.
SELECT count(*) FROM (
    SELECT FROM customers k
    WHERE k.tenant_id = $1
        AND ($2::uuid IS NULL OR k.channel_id = $2)
        AND ($3::text IS NULL OR $3 = ANY(k.tags))
        AND $4::text IS NULL
    LIMIT $5
) AS counted;

-- fetch_customer --
-- One customer, if it is this tenant's.
SELECT k.id, k.channel_id, c.kind AS source, k.platform_id, k.first_name, k.last_name,
    k.username, k.tags, k.attributes, k.notes, k.created_at
FROM customers k
JOIN channels c ON c.id = k.channel_id
WHERE k.tenant_id = $1 AND k.id = $2;

-- update_customer --
-- A null leaves its field, so edits of different fields by two operators both count.
UPDATE customers SET
    first_name = coalesce($3, first_name),
    last_name = coalesce($4, last_name),
    tags = coalesce($5, tags),
    attributes = coalesce($6, attributes),
    notes = coalesce($7, notes)
WHERE tenant_id = $1 AND id = $2
RETURNING id;
