-- Why: a webhook with one event that can never be stored was refused as a whole, and
-- delivered again for days, with all other events in it. Such an event is kept here, and
-- the webhook is answered 200. `payload` is JSON as text: it may hold what jsonb refuses.
CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    channel_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    kind text NOT NULL,
    payload text NOT NULL,
    error text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX dead_letters_tenant ON dead_letters (tenant_id, created_at DESC, id);

-- Why: each change of the knowledge counts what its tenant has, and an index is refused
-- that has too much.
CREATE INDEX chunks_tenant ON chunks (tenant_id);
