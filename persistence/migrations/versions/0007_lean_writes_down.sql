-- The way back: the same promises, checked at each write again.
ALTER TABLE customers ADD CONSTRAINT customers_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants ON DELETE CASCADE;
ALTER TABLE conversations
    ADD CONSTRAINT conversations_tenant_id_fkey
        FOREIGN KEY (tenant_id) REFERENCES tenants ON DELETE CASCADE,
    ADD CONSTRAINT conversations_channel_id_fkey
        FOREIGN KEY (channel_id) REFERENCES channels ON DELETE CASCADE;
CREATE INDEX messages_platform ON messages (conversation_id, platform_id)
    WHERE platform_id IS NOT NULL;
