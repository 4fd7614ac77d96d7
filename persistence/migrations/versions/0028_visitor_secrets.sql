-- Why: whoever guessed a visitor's id read the conversation. A shop that knows its
-- visitors proves each id by an HMAC under a secret of the channel, which stands here,
-- encrypted. Other visitors get a signed id from us, which needs no row.
-- A website channel with conversations can be removed: the row stays for its
-- conversations, without its key and its secret, and is shown to nobody any more.
ALTER TABLE channels
    ADD COLUMN visitor_secret bytea,
    ADD COLUMN removed_at timestamptz;
