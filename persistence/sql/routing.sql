-- fetch_routing --
-- Runs with each question; only tenants with intents of their own have a row.
SELECT intents FROM query_routing WHERE tenant_id = $1;

-- replace_routing --
-- The list is stored as a whole: its order settles ties.
INSERT INTO query_routing (tenant_id, intents) VALUES ($1, $2)
ON CONFLICT (tenant_id) DO UPDATE SET intents = excluded.intents, updated_at = now();

-- delete_routing --
-- Back to the defaults.
DELETE FROM query_routing WHERE tenant_id = $1;
