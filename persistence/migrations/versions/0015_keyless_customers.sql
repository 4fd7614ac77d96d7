-- Why: a new customer paid for two promises that are kept otherwise. The id is made of
-- channel and platform id, so its primary key forbids a second row already. And a batch
-- looks for its channels once and holds them, where the key looked once per customer.
ALTER TABLE customers
    DROP CONSTRAINT customers_channel_id_fkey,
    DROP CONSTRAINT customers_channel_id_platform_id_key;
-- Fails the statement that calls it: what it brings can't be stored, now or ever.
CREATE FUNCTION refuse_rows(reason text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'PF002', MESSAGE = reason;
END
$$;
