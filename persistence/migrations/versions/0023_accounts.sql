-- Why: a person who leaves, or whose password leaks, must lose access at once, and not
-- everybody of a business may replace its tokens. Users get a role and a version of
-- their sessions; sign-ins, keys of programs and invitations become rows that can end.

-- Whoever could sign in until now could do everything.
ALTER TABLE users
    ADD COLUMN role text NOT NULL DEFAULT 'owner' CHECK (role IN ('owner', 'operator')),
    ADD COLUMN session_version integer NOT NULL DEFAULT 0;
ALTER TABLE users ALTER COLUMN role DROP DEFAULT;
CREATE INDEX users_tenant ON users (tenant_id, created_at, id);

-- A sign-in. Only the refresh token that was given last is taken: its hash is kept.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id, created_at);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- A key can do no more than the person who made it, and ends with them.
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    scopes text[] NOT NULL,
    -- SHA-256 of 256 random bits, which nobody guesses; the key itself is not kept.
    key_hash bytea NOT NULL UNIQUE,
    prefix text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_keys_tenant ON api_keys (tenant_id, created_at, id);

CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- An owner who left must not come back by an invitation of their own.
    invited_by uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('owner', 'operator')),
    note text NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX invitations_tenant ON invitations (tenant_id, created_at, id);

CREATE FUNCTION announce_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('pilito_access', to_jsonb(OLD) ->> TG_ARGV[0]);
    RETURN NULL;
END
$$;
-- Triggers, so that open windows end whoever withdraws the access: the API, a command,
-- a statement by hand, or the end of a whole tenant.
CREATE TRIGGER users_access
    AFTER UPDATE OF is_active, is_superuser, role, session_version OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION announce_access('id');
CREATE TRIGGER sessions_access AFTER DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION announce_access('user_id');
CREATE TRIGGER api_keys_access AFTER UPDATE OF revoked_at OR DELETE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION announce_access('user_id');
