-- keep_variant --
-- Returns the variant that the conversation began with, or stores it. Only for the
-- tenant's own conversation; of two answers at once both get what the first one stored.
WITH kept AS (
    SELECT variant FROM conversation_variants
    WHERE tenant_id = $1 AND conversation_id = $2
), stored AS (
    INSERT INTO conversation_variants (conversation_id, tenant_id, variant)
    SELECT id, tenant_id, $3 FROM conversations
    WHERE tenant_id = $1 AND id = $2 AND NOT EXISTS (SELECT FROM kept)
    ON CONFLICT (conversation_id) DO UPDATE
    SET variant = conversation_variants.variant
    RETURNING variant
)
SELECT variant FROM kept UNION ALL SELECT variant FROM stored;
