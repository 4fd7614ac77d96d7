-- fetch_run --
-- Whether a run was admitted, or refused, before: a shard may ask again after a crash.
SELECT status, reason FROM workflow_runs WHERE tenant_id = $1 AND id = $2;

-- lock_workflow --
-- Openings of one workflow wait for each other: its limit is counted between them.
SELECT deleted_at IS NULL AS is_there FROM workflows
WHERE tenant_id = $1 AND id = $2 FOR UPDATE;

-- lock_tenant --
-- Openings of one tenant wait for each other where its quota may be met.
SELECT pg_advisory_xact_lock(hashtextextended('workflow runs of ' || $1::uuid, 0));

-- count_running --
-- Counts no further than the larger limit.
SELECT
    (SELECT count(*) FROM (SELECT FROM workflow_runs
        WHERE tenant_id = $1 AND workflow_id = $2 AND status = 'running'
        LIMIT $3) AS w) AS of_workflow,
    (SELECT count(*) FROM (SELECT FROM workflow_runs
        WHERE tenant_id = $1 AND status = 'running' LIMIT $4) AS t) AS of_tenant;

-- insert_run --
-- An admitted run, or one that a limit refused.
INSERT INTO workflow_runs (
    id, tenant_id, workflow_id, version, conversation_id, customer_id, status, reason,
    trigger, depth, started_at, finished_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
    CASE WHEN $7 = 'running' THEN NULL ELSE $11::timestamptz END)
ON CONFLICT (id) DO NOTHING;

-- fetch_facts --
-- What a run knows of its customer. Of the exceptions from the business hours, those of
-- these days: they travel with each run.
SELECT k.first_name, k.last_name, k.username, k.platform_id, k.tags, k.attributes,
    t.name AS tenant_name, t.language, b.hours
FROM customers k
JOIN tenants t ON t.id = k.tenant_id
LEFT JOIN business_hours b ON b.tenant_id = k.tenant_id
WHERE k.tenant_id = $1 AND k.id = $2;

-- move_runs --
-- In the transaction of the event that moved them.
UPDATE workflow_runs SET
    status = r.status, reason = r.reason, finished_at = r.finished_at,
    waiting_for = r.waiting_for
FROM json_to_recordset($1) AS r (
    run_id uuid, tenant_id uuid, status text, reason text, finished_at timestamptz,
    waiting_for text
)
WHERE workflow_runs.id = r.run_id AND workflow_runs.tenant_id = r.tenant_id
    AND workflow_runs.status = 'running';

-- end_runs --
-- A run may end before it was opened: the rules refused it, or a person was faster. Then
-- the opening finds it here, ended, and admits nothing. What has ended stays as it is.
INSERT INTO workflow_runs AS known (
    id, tenant_id, workflow_id, version, conversation_id, customer_id, status, reason,
    trigger, depth, started_at, finished_at
)
SELECT r.* FROM json_to_recordset($1) AS r (
    run_id uuid, tenant_id uuid, workflow_id uuid, version integer,
    conversation_id uuid, customer_id uuid, status text, reason text, trigger text,
    depth integer, started_at timestamptz, finished_at timestamptz
)
JOIN workflows w ON w.id = r.workflow_id AND w.tenant_id = r.tenant_id
ON CONFLICT (id) DO UPDATE SET
    status = excluded.status, reason = excluded.reason,
    finished_at = excluded.finished_at, waiting_for = ''
WHERE known.status = 'running' AND known.tenant_id = excluded.tenant_id;

-- insert_steps --
-- A step ends once; the run's row may be gone, with all that was erased.
INSERT INTO workflow_steps (
    run_id, tenant_id, conversation_id, step, node, outcome, edge, detail, at
)
SELECT s.* FROM json_to_recordset($1) AS s (
    run_id uuid, tenant_id uuid, conversation_id uuid, step integer, node text,
    outcome text, edge text, detail text, at timestamptz
)
JOIN workflow_runs r ON r.id = s.run_id AND r.tenant_id = s.tenant_id
ON CONFLICT (run_id, step) DO NOTHING;

-- change_card --
-- Tags once each, at most 50. A card with 50 attributes takes new values of those that it
-- has, and no others.
UPDATE customers SET
    tags = (
        SELECT coalesce(array_agg(tag ORDER BY place), '{}') FROM (
            SELECT tag, min(place) AS place
            FROM unnest(tags || $3::text[]) WITH ORDINALITY AS t (tag, place)
            WHERE tag <> ALL ($4::text[])
            GROUP BY tag ORDER BY min(place) LIMIT 50
        ) AS kept
    ),
    attributes = CASE
        WHEN (SELECT count(*) FROM jsonb_object_keys(attributes || $5::jsonb)) > 50
        THEN attributes || (
            SELECT coalesce(jsonb_object_agg(new.key, new.value), '{}')
            FROM jsonb_each($5::jsonb) AS new WHERE customers.attributes ? new.key)
        ELSE attributes || $5::jsonb END
WHERE tenant_id = $1 AND id = $2;

-- fetch_runs_page --
-- Executions, the newest first.
SELECT r.id, r.workflow_id, w.name AS workflow_name, r.version, r.conversation_id,
    r.customer_id, r.status, r.reason, r.trigger, r.depth, r.started_at,
    r.finished_at, r.waiting_for
FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id
WHERE r.tenant_id = $1
    AND ($2::uuid IS NULL OR r.workflow_id = $2)
    AND ($3::uuid IS NULL OR r.conversation_id = $3)
    AND ($4::text IS NULL OR r.status = $4)
    AND r.started_at <= coalesce($7::timestamptz, 'infinity')
    AND ($7 IS NULL OR r.started_at < $7 OR r.id > $8::uuid)
ORDER BY r.started_at DESC, r.id LIMIT $5 OFFSET $6;

-- count_runs --
-- Separate from the page, and only so far that there are more than anybody counts.
SELECT count(*) FROM (
    SELECT FROM workflow_runs r
    WHERE r.tenant_id = $1
        AND ($2::uuid IS NULL OR r.workflow_id = $2)
        AND ($3::uuid IS NULL OR r.conversation_id = $3)
        AND ($4::text IS NULL OR r.status = $4)
    LIMIT $5
) AS counted;

-- fetch_one_run --
-- An execution, if it is this tenant's.
SELECT r.id, r.workflow_id, w.name AS workflow_name, r.version, r.conversation_id,
    r.customer_id, r.status, r.reason, r.trigger, r.depth, r.started_at,
    r.finished_at, r.waiting_for
FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id
WHERE r.tenant_id = $1 AND r.id = $2;

-- fetch_steps --
-- What the nodes of a run did, in order.
SELECT step, node, outcome, edge, detail, at FROM workflow_steps
WHERE tenant_id = $1 AND run_id = $2 ORDER BY step;

-- count_by_status --
-- A workflow's runs since a day.
SELECT status, count(*) AS runs FROM workflow_runs
WHERE tenant_id = $1 AND workflow_id = $2 AND started_at >= $3 GROUP BY status;

-- count_by_node --
-- How the steps of a workflow's runs ended, by node.
SELECT s.node, s.outcome, count(*) AS steps
FROM workflow_runs r JOIN workflow_steps s ON s.run_id = r.id
WHERE r.tenant_id = $1 AND r.workflow_id = $2 AND r.started_at >= $3
GROUP BY s.node, s.outcome ORDER BY s.node, s.outcome;

-- prune_runs --
-- A step of runs that ended long ago, with what their nodes did.
DELETE FROM workflow_runs WHERE id IN (
    SELECT id FROM workflow_runs WHERE finished_at < $1 ORDER BY finished_at LIMIT $2
);
