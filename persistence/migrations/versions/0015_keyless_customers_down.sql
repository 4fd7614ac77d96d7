-- The way back: the same promises, checked with each new customer again.
DROP FUNCTION refuse_rows(text);
ALTER TABLE customers
    ADD CONSTRAINT customers_channel_id_platform_id_key UNIQUE (channel_id, platform_id),
    ADD CONSTRAINT customers_channel_id_fkey
        FOREIGN KEY (channel_id) REFERENCES channels ON DELETE CASCADE;
