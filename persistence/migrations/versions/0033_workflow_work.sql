-- Why: what workflows do outside. A tenant's webhooks are signed with a secret of its
-- own, and a mail leaves once per step, within limits, whichever process sends it.

-- Encrypted, like all secrets; made when it is first needed.
CREATE TABLE workflow_signing_secrets (
    tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- The mails of the last days. No words and no addresses stand here.
CREATE TABLE workflow_mails (
    -- No reference: a run's rows may be removed before its mails are old.
    run_id uuid NOT NULL,
    step integer NOT NULL,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- SHA-256 of the address, by which mails to it are counted.
    address_hash bytea NOT NULL,
    -- sending: it may have left, if nobody sends it any more; returned: it did not.
    state text NOT NULL CHECK (state IN ('sending', 'sent', 'returned')),
    claimed_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, step)
);
CREATE INDEX workflow_mails_tenant ON workflow_mails (tenant_id, claimed_at);
CREATE INDEX workflow_mails_address ON workflow_mails (address_hash, claimed_at);
CREATE INDEX workflow_mails_age ON workflow_mails (claimed_at);
