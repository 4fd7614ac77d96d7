-- Why: three queries repeated what a watched service is; they share a function now. And
-- stored JSON used words of our own (told, odd, habit) where the field has standard ones.

CREATE FUNCTION watched_services(at timestamptz)
RETURNS TABLE (service services, language text, in_maintenance boolean)
-- A plain query, so that PostgreSQL inlines it and filters of the caller use indexes.
LANGUAGE sql STABLE AS $$
SELECT s, t.language, EXISTS (
    SELECT FROM maintenance_windows w
    WHERE w.tenant_id = s.tenant_id
        AND (w.service_id IS NULL OR w.service_id = s.id)
        AND w.starts_at <= at AND w.ends_at > at)
FROM services s JOIN tenants t ON t.id = s.tenant_id
$$;

UPDATE service_states SET state = state - 'told_at' - 'certificate_told'
    || jsonb_build_object(
        'notified_at', state -> 'told_at',
        'certificate_notified', state -> 'certificate_told',
        'incident', CASE jsonb_typeof(state -> 'incident') WHEN 'object' THEN
            (state -> 'incident') - 'told_at'
            || jsonb_build_object('notified_at', state -> 'incident' -> 'told_at')
        END)
WHERE state ? 'told_at';

UPDATE anomalies SET details = details - 'oddness'
    || jsonb_build_object('deviations', details -> 'oddness')
WHERE details ? 'oddness';

UPDATE digests SET facts = facts - 'odd' || jsonb_build_object('episodes', (
    SELECT coalesce(jsonb_agg(
        e - 'oddness' - 'is_habit' || jsonb_build_object(
            'deviations', e -> 'oddness', 'is_recurring', e -> 'is_habit')
        ORDER BY n), '[]')
    FROM jsonb_array_elements(facts -> 'odd') WITH ORDINALITY AS x(e, n)))
WHERE facts ? 'odd';
