-- fetch_customers_page --
-- A tenant's customers, newest first; the words match names, ids and notes.
SELECT k.*, c.kind AS source
FROM customers k
JOIN channels c ON c.id = k.channel_id
WHERE k.tenant_id = $1
    AND ($2::uuid IS NULL OR k.channel_id = $2)
    AND ($3::text IS NULL OR $3 = ANY(k.tags))
    AND ($4::text IS NULL
        OR concat_ws(
            ' ', k.first_name, k.last_name, k.username, k.platform_id, k.notes) ~* $4)
ORDER BY k.created_at DESC, k.id
LIMIT $5 OFFSET $6;

-- count_customers --
-- Separate from the page, which reads only the rows that it shows.
SELECT count(*) FROM customers k
WHERE k.tenant_id = $1
    AND ($2::uuid IS NULL OR k.channel_id = $2)
    AND ($3::text IS NULL OR $3 = ANY(k.tags))
    AND ($4::text IS NULL
        OR concat_ws(
            ' ', k.first_name, k.last_name, k.username, k.platform_id, k.notes) ~* $4);

-- fetch_customer --
-- One customer, if it is this tenant's.
SELECT k.*, c.kind AS source
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
