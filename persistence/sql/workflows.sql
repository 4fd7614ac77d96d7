-- fetch_active --
-- The active workflows of these tenants, in the order in which they were made.
SELECT w.tenant_id, w.id AS workflow_id, w.version, v.definition::text AS definition
FROM workflows w
JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version
WHERE w.tenant_id = ANY($1::uuid[]) AND w.status = 'ACTIVE' AND w.deleted_at IS NULL
ORDER BY w.created_at, w.id;

-- fetch_versions --
-- Definitions by version, also of deleted workflows: runs go on, and replays need them.
SELECT v.workflow_id, v.version, v.definition::text AS definition
FROM workflow_versions v
JOIN unnest($1::uuid[], $2::integer[]) AS wanted (workflow_id, version)
    USING (workflow_id, version);

-- fetch_workflows_page --
-- A tenant's workflows, the newest first.
SELECT w.id, w.name, w.description, w.status, w.version, w.created_at, w.updated_at,
    v.definition::text AS definition
FROM workflows w
JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version
WHERE w.tenant_id = $1 AND w.deleted_at IS NULL
    AND ($2::text IS NULL OR w.status = $2)
    AND w.created_at <= coalesce($5::timestamptz, 'infinity')
    AND ($5 IS NULL OR w.created_at < $5 OR w.id > $6::uuid)
ORDER BY w.created_at DESC, w.id LIMIT $3 OFFSET $4;

-- count_workflows --
-- Separate from the page.
SELECT count(*) FROM (
    SELECT FROM workflows WHERE tenant_id = $1 AND deleted_at IS NULL
        AND ($2::text IS NULL OR status = $2)
    LIMIT $3
) AS counted;

-- fetch_workflow --
-- A workflow with its newest version, if it is this tenant's.
SELECT w.id, w.name, w.description, w.status, w.version, w.created_at, w.updated_at,
    v.definition::text AS definition
FROM workflows w
JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version
WHERE w.tenant_id = $1 AND w.id = $2 AND w.deleted_at IS NULL;

-- fetch_definition --
-- One version of a tenant's workflow.
SELECT definition::text FROM workflow_versions
WHERE tenant_id = $1 AND workflow_id = $2 AND version = $3;

-- lock_tenant --
-- Those who make workflows of one tenant wait for each other: they are counted.
SELECT id FROM tenants WHERE id = $1 FOR NO KEY UPDATE;

-- insert_workflow --
-- Its first version follows in the same transaction.
INSERT INTO workflows (id, tenant_id, name, description) VALUES ($1, $2, $3, $4);

-- insert_version --
-- A version never changes.
INSERT INTO workflow_versions (workflow_id, version, tenant_id, definition, author)
VALUES ($1, $2, $3, $4::text::jsonb, $5);

-- claim_version --
-- Compare-and-set: whoever saves names the version that was read. What was checked as a
-- draft ($4) is saved as one only: somebody may have activated it since.
UPDATE workflows SET version = version + 1, updated_at = now()
WHERE tenant_id = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL
    AND (status = 'DRAFT' OR NOT $4::boolean)
RETURNING version;

-- update_texts --
-- Name and description are part of no version: no run reads them.
UPDATE workflows SET
    name = coalesce($3, name), description = coalesce($4, description),
    updated_at = now()
WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING id;

-- set_status --
-- Activates the version that was checked, or pauses whatever there is ($4 is null).
UPDATE workflows SET status = $3, updated_at = now(),
    activated_at = CASE WHEN $3 = 'ACTIVE' AND status <> 'ACTIVE' THEN now()
        ELSE activated_at END
WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL
    AND ($4::integer IS NULL OR version = $4)
RETURNING id;

-- delete_workflow --
-- It triggers nothing any more; runs that are under way go on.
UPDATE workflows SET deleted_at = now(), status = 'PAUSED'
WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING id;

-- fetch_hours --
-- A tenant's business hours, as JSON text.
SELECT hours::text FROM business_hours WHERE tenant_id = $1;

-- store_hours --
-- Runs that begin from now on know the new ones.
INSERT INTO business_hours (tenant_id, hours) VALUES ($1, $2::text::jsonb)
ON CONFLICT (tenant_id) DO UPDATE SET hours = excluded.hours;

-- fetch_scheduled --
-- Active workflows that begin by a schedule, with their tenants' hours.
SELECT w.tenant_id, w.id AS workflow_id, w.version, v.definition::text AS definition,
    b.hours::text AS hours, w.activated_at
FROM workflows w
JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version
LEFT JOIN business_hours b ON b.tenant_id = w.tenant_id
WHERE w.status = 'ACTIVE' AND w.deleted_at IS NULL AND w.activated_at IS NOT NULL
    AND v.definition @> '{"nodes": [{"trigger": {"kind": "scheduled"}}]}';

-- fetch_done_until --
-- Up to when a shard has begun the occurrences of a schedule.
SELECT done_until FROM workflow_schedules
WHERE tenant_id = $1 AND workflow_id = $2 AND node = $3 AND shard = $4;

-- store_done_until --
-- All conversations of the shard have got their event.
INSERT INTO workflow_schedules (workflow_id, node, shard, tenant_id, done_until)
VALUES ($2, $3, $4, $1, $5)
ON CONFLICT (workflow_id, node, shard) DO UPDATE SET done_until = excluded.done_until;

-- fetch_scheduled_for --
-- A shard's conversations whose customers a schedule is for, in steps by id.
SELECT c.id FROM conversations c JOIN customers k ON k.id = c.customer_id
WHERE c.tenant_id = $1 AND c.slot % $3::int = $2::int AND c.id > $4
    AND (c.state ->> 'last_customer_at')::timestamptz >= $5
    AND (cardinality($6::text[]) = 0 OR c.source = ANY($6))
    AND (cardinality($7::text[]) = 0 OR k.tags && $7)
ORDER BY c.id LIMIT $8;
