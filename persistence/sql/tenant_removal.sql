-- close_users --
-- First of all nobody signs in any more. Their names are needed once more, at the end.
DELETE FROM users WHERE tenant_id = $1 RETURNING username;

-- close_channels --
-- Nothing comes in, and nothing is sent; no customer can begin anew.
DELETE FROM channels WHERE tenant_id = $1 RETURNING id;

-- notify_channels --
-- Every process drops the channel from its memory.
SELECT pg_notify('pilito_channels', $1::uuid::text);

-- fetch_tables --
-- All tables that name a tenant, read from the schema: a new table is never forgotten.
SELECT t.table_name::text AS name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = current_schema() AND c.column_name = 'tenant_id'
    AND t.table_type = 'BASE TABLE'
ORDER BY t.table_name;

-- delete_rows --
-- One step of one table.
SELECT delete_tenant_rows($1, $2, $3);

-- forget_author --
-- The history of flags names whoever changed them.
UPDATE flag_changes SET author = '' WHERE author = ANY($1::text[]);

-- delete_tenant --
-- Last of all: what still refers to it goes with it.
DELETE FROM tenants WHERE id = $1;

-- notify_removed --
-- The index of a tenant's knowledge leaves every replica's memory.
SELECT pg_notify('pilito_tenants', $1::uuid::text);
