-- The way back: each account has one row again. Claims that were not proven and collide
-- keep their row, under an account that no platform has.
UPDATE channels c SET account_id = account_id || ' unproven ' || id
WHERE proven_at IS NULL AND EXISTS (
    SELECT FROM channels o
    WHERE o.kind = c.kind AND o.account_id = c.account_id AND o.id <> c.id
        AND (o.proven_at IS NOT NULL OR (o.created_at, o.id) < (c.created_at, c.id)));
UPDATE channels SET connection = 'refused' WHERE connection = 'unproven';
DROP INDEX channels_proof;
ALTER TABLE channels
    DROP CONSTRAINT channels_claim,
    ADD CONSTRAINT channels_kind_account_id_key UNIQUE (kind, account_id),
    DROP CONSTRAINT channels_connection_check,
    ADD CONSTRAINT channels_connection_check CHECK (connection IN (
        'connected', 'pending', 'paused', 'no_public_url', 'unreachable', 'refused')),
    DROP COLUMN proven_at;
