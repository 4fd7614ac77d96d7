DROP FUNCTION refuse_batch;
DROP TABLE chunks, parents, knowledge_revisions, documents, outbox, timers,
    conversation_events, messages, conversations, customers, shards, channels, users,
    tenants;
