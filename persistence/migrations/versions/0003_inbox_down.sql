-- The way back: the indexes that were, and events without their tenant.
DROP INDEX customers_tenant;
DROP INDEX outbox_unsent;
CREATE INDEX outbox_unsent ON outbox (channel_id, created_at) WHERE delivery <> 'sent';
CREATE INDEX messages_feed ON messages (shard, seq);
ALTER TABLE conversation_events DROP COLUMN message_ids, DROP COLUMN tenant_id;
