-- insert_tenant --
-- A business opens its account.
INSERT INTO tenants (id, name) VALUES ($1, $2)
ON CONFLICT (name) DO NOTHING
RETURNING id, name, language, instructions;

-- fetch_tenant --
-- The answering side asks for the language and the instructions.
SELECT id, name, language, instructions FROM tenants WHERE id = $1;

-- update_tenant --
-- What is not told stays as it was.
UPDATE tenants SET language = coalesce($2, language),
    instructions = coalesce($3, instructions)
WHERE id = $1
RETURNING id, name, language, instructions;

-- fetch_first_tenants --
-- Where there is only one nobody has to name it.
SELECT id, name, language, instructions FROM tenants ORDER BY created_at, id LIMIT 2;

-- fetch_tenant_by_name --
-- The command line names tenants as people do.
SELECT id, name, language, instructions FROM tenants WHERE name = $1;
