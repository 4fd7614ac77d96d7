-- Why: people answer many customers in the same words, which they find by a few letters.
CREATE TABLE canned_answers (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    shortcut text NOT NULL,
    -- The shortcut as it is compared: see `retrieval/text/normalise.py`.
    folded text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (tenant_id, folded)
);
