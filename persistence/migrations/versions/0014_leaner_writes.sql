-- Why: a shard writes a conversation and all that hangs on it in one statement, and only a
-- channel without conversations is ever deleted. So what these keys checked can't be
-- otherwise, and each message paid for five of them, a fifth of its commit. The customer's
-- key stays: it is what holds a first message and a channel's removal apart.
ALTER TABLE conversations DROP CONSTRAINT conversations_customer_id_fkey;
ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_fkey;
ALTER TABLE conversation_events
    DROP CONSTRAINT conversation_events_conversation_id_fkey;
ALTER TABLE timers DROP CONSTRAINT timers_conversation_id_fkey;
ALTER TABLE outbox
    DROP CONSTRAINT outbox_conversation_id_fkey,
    DROP CONSTRAINT outbox_message_id_fkey,
    DROP CONSTRAINT outbox_channel_id_fkey;
