-- Why: a runtime that another one has replaced on this database was fenced, stayed up,
-- and answered 503 for ever; and a shard of it that was started again took its place
-- back. The runtime that began last is named here, so that an older one can end.
CREATE TABLE runtime_terms (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    id uuid NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now()
);
