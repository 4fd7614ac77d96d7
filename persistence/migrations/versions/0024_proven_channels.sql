-- Why: any tenant could claim any account, keep its owner out and receive its messages.
-- Only a token that the platform accepts for the account proves a claim; claims that are
-- not proven are as many as there are tenants, and nothing is routed to them.

ALTER TABLE channels
    ADD COLUMN proven_at timestamptz,
    DROP CONSTRAINT channels_connection_check,
    ADD CONSTRAINT channels_connection_check CHECK (connection IN (
        'connected', 'pending', 'paused', 'no_public_url', 'unreachable', 'refused',
        'unproven'));

-- A website's key is our own. The platform was asked before a channel came to be connected
-- or to wait for an address. Updates of Telegram bear the channel's own secret, so a bot
-- that has conversations was set up by who has its token.
UPDATE channels c SET proven_at = now()
WHERE kind = 'website'
    OR connection IN ('connected', 'no_public_url')
    OR (kind = 'telegram' AND EXISTS (
        SELECT FROM conversations WHERE channel_id = c.id));

ALTER TABLE channels
    DROP CONSTRAINT channels_kind_account_id_key,
    -- One claim of an account for each tenant.
    ADD CONSTRAINT channels_claim UNIQUE (tenant_id, kind, account_id);
-- One account belongs to one tenant, or two shops would answer one customer.
CREATE UNIQUE INDEX channels_proof ON channels (kind, account_id)
    WHERE proven_at IS NOT NULL;
