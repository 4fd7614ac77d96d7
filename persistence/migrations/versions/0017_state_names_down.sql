-- The way back: the same values under the old names.
UPDATE conversations
SET state = (state - ARRAY['unconfirmed', 'positions', 'profile_lookup'])
    || CASE WHEN state ? 'unconfirmed'
        THEN jsonb_build_object('doubted', state -> 'unconfirmed') ELSE '{}' END
    || CASE WHEN state ? 'positions'
        THEN jsonb_build_object('placed', state -> 'positions') ELSE '{}' END
    || CASE jsonb_typeof(state -> 'profile_lookup')
        WHEN 'object' THEN jsonb_build_object('quest',
            (state -> 'profile_lookup') - 'next_lookup_at' || jsonb_build_object(
                'ask_at', state #> '{profile_lookup,next_lookup_at}'))
        WHEN 'null' THEN '{"quest": null}' ELSE '{}' END
WHERE state ?| ARRAY['unconfirmed', 'positions', 'profile_lookup'];
