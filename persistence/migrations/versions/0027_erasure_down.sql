-- The way back. What was erased stays erased.
DROP FUNCTION delete_tenant_rows(text, uuid, int);
ALTER TABLE alert_deliveries RESET (fillfactor, autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_threshold);
ALTER TABLE check_requests RESET (autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_threshold);
ALTER TABLE shown_windows RESET (fillfactor, autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_threshold);
ALTER TABLE service_states RESET (fillfactor, autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_threshold);
ALTER TABLE conversation_events RESET (autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_insert_scale_factor);
ALTER TABLE messages RESET (fillfactor, autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor);
ALTER TABLE outbox RESET (fillfactor, autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor);
ALTER TABLE conversations RESET (fillfactor, autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor);
ALTER TABLE timers RESET (fillfactor, autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor);
ALTER TABLE shards RESET (fillfactor, autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_threshold);
DROP INDEX answer_proofs_conversation;
CREATE INDEX answer_proofs_conversation ON answer_proofs (conversation_id)
    WHERE NOT is_erased;
ALTER TABLE conversations DROP COLUMN pruned_version;
DROP TABLE erasure_requests;
DROP TABLE erasures;
DROP TABLE forgotten_events;
