-- The way back: the same promises, checked at each write again.
ALTER TABLE conversations ADD CONSTRAINT conversations_customer_id_fkey
    FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE;
ALTER TABLE messages ADD CONSTRAINT messages_conversation_id_fkey
    FOREIGN KEY (conversation_id) REFERENCES conversations ON DELETE CASCADE;
ALTER TABLE conversation_events ADD CONSTRAINT conversation_events_conversation_id_fkey
    FOREIGN KEY (conversation_id) REFERENCES conversations ON DELETE CASCADE;
ALTER TABLE timers ADD CONSTRAINT timers_conversation_id_fkey
    FOREIGN KEY (conversation_id) REFERENCES conversations ON DELETE CASCADE;
ALTER TABLE outbox
    ADD CONSTRAINT outbox_conversation_id_fkey
        FOREIGN KEY (conversation_id) REFERENCES conversations ON DELETE CASCADE,
    ADD CONSTRAINT outbox_message_id_fkey
        FOREIGN KEY (message_id) REFERENCES messages ON DELETE CASCADE,
    ADD CONSTRAINT outbox_channel_id_fkey
        FOREIGN KEY (channel_id) REFERENCES channels ON DELETE CASCADE;
