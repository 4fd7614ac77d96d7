-- keep_variant --
-- Reads what the conversation began with, or begins it. The tenant's own conversation
-- only; two answers that begin it at once both get what the first of them wrote.
WITH found AS (
    SELECT variant FROM conversation_variants
    WHERE tenant_id = $1 AND conversation_id = $2
), begun AS (
    INSERT INTO conversation_variants (conversation_id, tenant_id, variant)
    SELECT id, tenant_id, $3 FROM conversations
    WHERE tenant_id = $1 AND id = $2 AND NOT EXISTS (SELECT FROM found)
    ON CONFLICT (conversation_id) DO UPDATE
    SET variant = conversation_variants.variant
    RETURNING variant
)
SELECT variant FROM found UNION ALL SELECT variant FROM begun;
