DROP FUNCTION watched_services(timestamptz);

UPDATE service_states SET state = state - 'notified_at' - 'certificate_notified'
    || jsonb_build_object(
        'told_at', state -> 'notified_at',
        'certificate_told', state -> 'certificate_notified',
        'incident', CASE jsonb_typeof(state -> 'incident') WHEN 'object' THEN
            (state -> 'incident') - 'notified_at'
            || jsonb_build_object('told_at', state -> 'incident' -> 'notified_at')
        END)
WHERE state ? 'notified_at';

UPDATE anomalies SET details = details - 'deviations'
    || jsonb_build_object('oddness', details -> 'deviations')
WHERE details ? 'deviations';

UPDATE digests SET facts = facts - 'episodes' || jsonb_build_object('odd', (
    SELECT coalesce(jsonb_agg(
        e - 'deviations' - 'is_recurring' || jsonb_build_object(
            'oddness', e -> 'deviations', 'is_habit', e -> 'is_recurring')
        ORDER BY n), '[]')
    FROM jsonb_array_elements(facts -> 'episodes') WITH ORDINALITY AS x(e, n)))
WHERE facts ? 'episodes';
