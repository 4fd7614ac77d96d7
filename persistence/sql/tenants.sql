-- insert_tenant --
-- A taken name gives no row instead of an error that would end the transaction.
INSERT INTO tenants (id, name) VALUES ($1, $2)
ON CONFLICT (name) DO NOTHING
RETURNING id, name, language, instructions;

-- fetch_tenant --
-- The answering side reads language and instructions.
SELECT id, name, language, instructions FROM tenants WHERE id = $1;

-- update_tenant --
-- A null leaves its field as it was.
UPDATE tenants SET language = coalesce($2, language),
    instructions = coalesce($3, instructions)
WHERE id = $1
RETURNING id, name, language, instructions;

-- fetch_first_tenants --
-- Commands need no tenant's name while there is only one.
SELECT id, name, language, instructions FROM tenants ORDER BY created_at, id LIMIT 2;

-- fetch_tenant_by_name --
-- The command line takes tenants by name.
SELECT id, name, language, instructions FROM tenants WHERE name = $1;

-- lock_tenant --
-- Rows that a quota counts are created one after the other, and two owners who demote
-- each other at the same time leave one. Nobody else waits: rows that only refer to the
-- tenant take a weaker lock.
SELECT id FROM tenants WHERE id = $1 FOR NO KEY UPDATE;
