-- Why: tenants automate conversations. A run itself stands in its conversation's state;
-- these tables hold what it goes through, and what is shown and counted of it.

CREATE TABLE workflows (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'DRAFT'
        CHECK (status IN ('DRAFT', 'ACTIVE', 'PAUSED')),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- Its schedules begin no earlier.
    activated_at timestamptz,
    -- A deleted one is shown no more; its runs and their replay need its versions.
    deleted_at timestamptz
);
CREATE INDEX workflows_tenant ON workflows (tenant_id, created_at)
    WHERE deleted_at IS NULL;

-- A version never changes: runs stay on the one that they began with.
CREATE TABLE workflow_versions (
    workflow_id uuid NOT NULL REFERENCES workflows ON DELETE CASCADE,
    version integer NOT NULL,
    tenant_id uuid NOT NULL,
    definition jsonb NOT NULL,
    author uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workflow_id, version)
);
CREATE INDEX workflow_versions_tenant ON workflow_versions (tenant_id);

CREATE TABLE business_hours (
    tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
    hours jsonb NOT NULL
);

CREATE TABLE workflow_runs (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL REFERENCES workflows ON DELETE CASCADE,
    version integer NOT NULL,
    conversation_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    status text NOT NULL CHECK (
        status IN ('running', 'completed', 'failed', 'cancelled', 'refused')),
    reason text NOT NULL DEFAULT '',
    trigger text NOT NULL,
    depth integer NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    -- The node at which it stands.
    waiting_for text NOT NULL DEFAULT ''
) WITH (fillfactor = 80);
CREATE INDEX workflow_runs_running ON workflow_runs (workflow_id)
    WHERE status = 'running';
CREATE INDEX workflow_runs_tenant_running ON workflow_runs (tenant_id)
    WHERE status = 'running';
CREATE INDEX workflow_runs_tenant ON workflow_runs (tenant_id, started_at DESC, id);
CREATE INDEX workflow_runs_workflow ON workflow_runs (workflow_id, started_at DESC);
CREATE INDEX workflow_runs_conversation ON workflow_runs (conversation_id);
CREATE INDEX workflow_runs_finished ON workflow_runs (finished_at)
    WHERE finished_at IS NOT NULL;

CREATE TABLE workflow_steps (
    run_id uuid NOT NULL REFERENCES workflow_runs ON DELETE CASCADE,
    step integer NOT NULL,
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    node text NOT NULL,
    outcome text NOT NULL,
    edge text,
    detail text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    PRIMARY KEY (run_id, step)
);
CREATE INDEX workflow_steps_tenant ON workflow_steps (tenant_id);

-- Which occurrence of a schedule a shard has begun last, and for which conversation.
CREATE TABLE workflow_schedules (
    workflow_id uuid NOT NULL REFERENCES workflows ON DELETE CASCADE,
    node text NOT NULL,
    shard smallint NOT NULL,
    tenant_id uuid NOT NULL,
    done_until timestamptz NOT NULL,
    PRIMARY KEY (workflow_id, node, shard)
);
CREATE INDEX workflow_schedules_tenant ON workflow_schedules (tenant_id);

CREATE FUNCTION notify_workflows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('pilito_workflows', coalesce(new.tenant_id, old.tenant_id)::text);
    RETURN NULL;
END $$;
-- Every shard drops the tenant's triggers from its memory.
CREATE TRIGGER workflows_changed
    AFTER INSERT OR DELETE OR UPDATE OF status, version, deleted_at ON workflows
    FOR EACH ROW EXECUTE FUNCTION notify_workflows();

ALTER TABLE workflow_runs SET (autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000);
