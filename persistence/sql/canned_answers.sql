-- fetch_canned_answers --
-- In the order in which people look for them.
SELECT id, shortcut, title, body, updated_at FROM canned_answers
WHERE tenant_id = $1 ORDER BY folded LIMIT $2 OFFSET $3;

-- count_canned_answers --
-- The total of the list's pages; a limit keeps it small.
SELECT count(*) FROM canned_answers WHERE tenant_id = $1;

-- fetch_canned_answer --
-- One of the tenant's.
SELECT id, shortcut, title, body, updated_at FROM canned_answers
WHERE tenant_id = $1 AND id = $2;

-- insert_canned_answer --
-- A taken shortcut gives no row instead of an error that would end the transaction.
INSERT INTO canned_answers (id, tenant_id, shortcut, folded, title, body, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id, folded) DO NOTHING
RETURNING id, shortcut, title, body, updated_at;

-- update_canned_answer --
-- A null leaves its field as it was.
UPDATE canned_answers SET
    shortcut = coalesce($3, shortcut), folded = coalesce($4, folded),
    title = coalesce($5, title), body = coalesce($6, body), updated_at = $7
WHERE tenant_id = $1 AND id = $2
RETURNING id, shortcut, title, body, updated_at;

-- delete_canned_answer --
-- One of the tenant's.
DELETE FROM canned_answers WHERE tenant_id = $1 AND id = $2 RETURNING id;
