-- Why: operators follow their inbox live. An event now says whose it is and which
-- messages it touched, so that one index brings a tenant's changes after a cursor;
-- customers and dead letters are listed by tenant.

ALTER TABLE conversation_events
    ADD COLUMN tenant_id uuid,
    ADD COLUMN message_ids uuid[] NOT NULL DEFAULT '{}';
-- Of older events only the message that each made is known: it has the event's id.
UPDATE conversation_events e SET
    tenant_id = c.tenant_id,
    message_ids = CASE WHEN EXISTS (SELECT FROM messages m WHERE m.id = e.id)
        THEN ARRAY[e.id] ELSE '{}' END
FROM conversations c WHERE c.id = e.conversation_id;
ALTER TABLE conversation_events ALTER COLUMN tenant_id SET NOT NULL;
CREATE INDEX conversation_events_feed ON conversation_events (tenant_id, shard, seq);
-- The feed goes by events: no query reads messages in this order.
DROP INDEX messages_feed;

-- What is under way or lost is little; what was sent leaves the index.
DROP INDEX outbox_unsent;
CREATE INDEX outbox_unsent ON outbox (tenant_id, delivery, updated_at DESC)
    WHERE delivery <> 'sent';

CREATE INDEX customers_tenant ON customers (tenant_id, created_at DESC, id);
