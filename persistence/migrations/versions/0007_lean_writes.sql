-- Why: every message that comes in pays for what is checked and indexed. A customer's
-- channel has the tenant already, and a conversation's customer has the channel: the same
-- rows go when a tenant or a channel goes. Echoes are known by the conversation's state,
-- so no query looks messages up by the platform's id.
ALTER TABLE customers DROP CONSTRAINT customers_tenant_id_fkey;
ALTER TABLE conversations
    DROP CONSTRAINT conversations_tenant_id_fkey,
    DROP CONSTRAINT conversations_channel_id_fkey;
DROP INDEX messages_platform;
