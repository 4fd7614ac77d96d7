-- Why: a customer may ask to be forgotten, and old messages may have to go. Of an erased
-- conversation only keyed hashes of its events stay, so that a platform's repetition of
-- a delivery brings nothing back. And the tables that change most were vacuumed by
-- PostgreSQL's defaults, which wait until a fifth of a table is dead.

CREATE TABLE forgotten_events (
    -- HMAC-SHA-256 of an event's id. The id itself is an unkeyed hash of the
    -- customer's platform id, which somebody could guess.
    digest bytea PRIMARY KEY,
    tenant_id uuid NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX forgotten_events_age ON forgotten_events (erased_at);
CREATE INDEX forgotten_events_tenant ON forgotten_events (tenant_id);

-- The tombstones: that somebody was forgotten, when and by whom, but not who.
CREATE TABLE erasures (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- The operator; null for the command line.
    user_id uuid,
    erased_at timestamptz NOT NULL
);
CREATE INDEX erasures_tenant ON erasures (tenant_id, erased_at);

-- What the command line asks of the shards, which hold the states in memory.
CREATE TABLE erasure_requests (
    conversation_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    slot smallint NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now()
);

-- The beginning of a history that was removed: a replay starts behind it, or not at all.
ALTER TABLE conversations ADD COLUMN pruned_version bigint NOT NULL DEFAULT 0;

-- Proofs are removed with their conversation, erased ones as well.
DROP INDEX answer_proofs_conversation;
CREATE INDEX answer_proofs_conversation ON answer_proofs (conversation_id);

-- Deleted documents kept their title, address and tags.
UPDATE documents SET title = '', text = '', url = NULL, tags = '{}' WHERE is_deleted;

-- Room on each page for the next version of a row, so that an update that changes no
-- indexed column stays on its page and needs no index entry. A vacuum begins after a
-- hundredth of the rows: of a table of millions a fifth is gigabytes.
ALTER TABLE shards SET (fillfactor = 10, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 500);
ALTER TABLE timers SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE conversations SET (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE outbox SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE messages SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.02);
-- Only added to, and pruned from the oldest on.
ALTER TABLE conversation_events SET (autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05);
ALTER TABLE service_states SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 200);
ALTER TABLE shown_windows SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 200);
ALTER TABLE check_requests SET (autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 200);
ALTER TABLE alert_deliveries SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 200);

-- A tenant is deleted from every table that names it, also from those that are younger
-- than this function. One call is one step: no statement holds its locks for long.
CREATE FUNCTION delete_tenant_rows(table_name text, tenant uuid, step int)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    deleted bigint;
BEGIN
    EXECUTE format(
        'DELETE FROM %I WHERE ctid = ANY(ARRAY('
        'SELECT ctid FROM %I WHERE tenant_id = $1 LIMIT $2))', table_name, table_name)
    USING tenant, step;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
