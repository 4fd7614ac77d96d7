-- Why: the flags of the runtime. What is not in `flags` has its declared default, so
-- that a flag that was never set and one that was cleared are the same.

CREATE TABLE flags (
    name text PRIMARY KEY,
    value jsonb NOT NULL,
    -- From then on the row means nothing; null stays until it is changed.
    expires_at timestamptz,
    updated_at timestamptz NOT NULL
);

CREATE TABLE flag_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    at timestamptz NOT NULL,
    -- The user's name at that time: it outlives the user.
    author text NOT NULL,
    -- Null where the default counted.
    old jsonb,
    new jsonb,
    expires_at timestamptz
);
CREATE INDEX flag_changes_name ON flag_changes (name, id DESC);

-- The variant of answering that a roll-out gave a conversation at its beginning.
CREATE TABLE conversation_variants (
    conversation_id uuid PRIMARY KEY REFERENCES conversations ON DELETE CASCADE,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    variant text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A tenant's own intents, one list replaced as a whole; without a row the defaults.
CREATE TABLE query_routing (
    tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
    intents jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
