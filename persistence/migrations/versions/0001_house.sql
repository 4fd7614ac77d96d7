-- Why: the first house. Every row belongs to a tenant; what a shard writes carries
-- (shard, seq), the order of its commits, so that a reader can go on from a cursor.

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    language text NOT NULL DEFAULT 'fa' CHECK (language IN ('fa', 'en')),
    instructions text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    username text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    is_superuser boolean NOT NULL DEFAULT false,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE channels (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('instagram', 'telegram', 'website')),
    name text NOT NULL,
    -- Instagram's account id, Telegram's bot id, the website's public key.
    account_id text NOT NULL,
    -- Encrypted with the runtime's secret key; never leaves the server.
    access_token bytea,
    webhook_secret bytea,
    is_paused boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- One account belongs to one tenant, or two shops would answer one customer.
    UNIQUE (kind, account_id)
);
CREATE INDEX channels_tenant ON channels (tenant_id, created_at);

CREATE TABLE shards (
    shard smallint PRIMARY KEY,
    epoch bigint NOT NULL DEFAULT 0,
    seq bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE customers (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    channel_id uuid NOT NULL REFERENCES channels ON DELETE CASCADE,
    platform_id text NOT NULL,
    first_name text NOT NULL DEFAULT '',
    last_name text NOT NULL DEFAULT '',
    username text NOT NULL DEFAULT '',
    tags text[] NOT NULL DEFAULT '{}',
    attributes jsonb NOT NULL DEFAULT '{}',
    notes text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    UNIQUE (channel_id, platform_id)
);

CREATE TABLE conversations (
    -- Derived from channel and customer, so two first messages make one row.
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    channel_id uuid NOT NULL REFERENCES channels ON DELETE CASCADE,
    customer_id uuid NOT NULL REFERENCES customers ON DELETE CASCADE,
    source text NOT NULL,
    slot smallint NOT NULL,
    version bigint NOT NULL,
    -- What the rules read. The columns below are projections of it, for lists.
    state jsonb NOT NULL,
    status text NOT NULL,
    needs_operator boolean NOT NULL,
    last_message_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX conversations_inbox ON conversations (tenant_id, updated_at DESC, id);
CREATE INDEX conversations_status
    ON conversations (tenant_id, status, updated_at DESC);

CREATE TABLE messages (
    -- The id of the event that made it.
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    shard smallint NOT NULL,
    seq bigint NOT NULL,
    type text NOT NULL CHECK (type IN ('customer', 'AI', 'support', 'marketing')),
    message_type text NOT NULL DEFAULT 'text'
        CHECK (message_type IN ('text', 'voice', 'image', 'video', 'share')),
    content text NOT NULL,
    combined_content text,
    processing_status text NOT NULL
        CHECK (processing_status IN ('pending', 'processing', 'completed', 'failed')),
    platform_id text,
    delivery text
        CHECK (delivery IN ('queued', 'sending', 'sent', 'unknown', 'failed')),
    metadata jsonb NOT NULL DEFAULT '{}',
    feedback text NOT NULL DEFAULT 'none'
        CHECK (feedback IN ('none', 'positive', 'negative')),
    feedback_comment text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL
);
-- A conversation's messages in the order in which they were recorded.
CREATE UNIQUE INDEX messages_conversation ON messages (conversation_id, seq);
CREATE INDEX messages_feed ON messages (shard, seq);
-- An echo or a reaction names a message by its platform id.
CREATE INDEX messages_platform ON messages (conversation_id, platform_id)
    WHERE platform_id IS NOT NULL;

CREATE TABLE conversation_events (
    -- The dedupe record: a redelivered webhook makes the same id.
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    version bigint NOT NULL,
    shard smallint NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    UNIQUE (conversation_id, version)
);

CREATE TABLE timers (
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    kind text NOT NULL,
    slot smallint NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, kind)
);

CREATE TABLE outbox (
    -- One part of one message, as the platform's limit cuts it.
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    message_id uuid NOT NULL REFERENCES messages ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    channel_id uuid NOT NULL REFERENCES channels ON DELETE CASCADE,
    part smallint NOT NULL,
    content text NOT NULL,
    delivery text NOT NULL
        CHECK (delivery IN ('queued', 'sending', 'sent', 'unknown', 'failed')),
    attempts smallint NOT NULL DEFAULT 0,
    platform_id text,
    error text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (message_id, part)
);
CREATE INDEX outbox_unsent ON outbox (channel_id, created_at)
    WHERE delivery <> 'sent';

CREATE TABLE documents (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    source_type text NOT NULL
        CHECK (source_type IN ('manual', 'faq', 'products', 'website')),
    title text NOT NULL,
    text text NOT NULL,
    url text,
    -- Every change of a tenant's knowledge takes the next number.
    revision bigint NOT NULL,
    is_deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX documents_list ON documents (tenant_id, updated_at DESC, id)
    WHERE NOT is_deleted;
CREATE INDEX documents_revision ON documents (tenant_id, revision);

CREATE TABLE knowledge_revisions (
    tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
    revision bigint NOT NULL
);

CREATE TABLE parents (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
    position int NOT NULL,
    text text NOT NULL,
    UNIQUE (document_id, position)
);

CREATE TABLE chunks (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
    parent_id uuid NOT NULL REFERENCES parents ON DELETE CASCADE,
    position int NOT NULL,
    text text NOT NULL,
    -- float16, little endian; null until the embedder has come to it.
    embedding bytea,
    embedding_model text,
    UNIQUE (document_id, position)
);
CREATE INDEX chunks_unembedded ON chunks (tenant_id) WHERE embedding IS NULL;

-- Fails the statement that calls it: a shard that lost its place writes nothing.
CREATE FUNCTION refuse_batch(reason text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'PF001', MESSAGE = reason;
END
$$;
