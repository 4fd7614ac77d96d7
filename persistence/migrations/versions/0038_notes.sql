-- Why: operators write to each other in a conversation. A table apart from the messages:
-- whatever reads those, for the customer or for the AI, can't meet a note.
CREATE TABLE notes (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    position bigint NOT NULL,
    -- No reference: a note outlives its author.
    user_id uuid NOT NULL,
    content text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (conversation_id, position)
);
CREATE INDEX notes_tenant ON notes (tenant_id);
