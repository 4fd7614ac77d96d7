-- Why: Telegram is told each channel's address over its API, which may fail. What came of
-- it is kept, so that a channel that hears nothing says so, and why.

ALTER TABLE channels
    -- Null where nobody has to be told: Instagram's address is set in Meta's console.
    ADD COLUMN connection text CHECK (connection IN (
        'connected', 'pending', 'paused', 'no_public_url', 'unreachable', 'refused')),
    -- The platform's own words, without secrets.
    ADD COLUMN connection_note text NOT NULL DEFAULT '';

UPDATE channels SET connection = CASE WHEN is_paused THEN 'paused' ELSE 'pending' END
WHERE kind = 'telegram';
