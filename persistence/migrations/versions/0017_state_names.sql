-- Why: `doubted`, `placed` and `quest` are `unconfirmed`, `positions` and
-- `profile_lookup` in the code now, and states are stored by the code's names.
UPDATE conversations SET state = (state - ARRAY['doubted', 'placed', 'quest'])
    || CASE WHEN state ? 'doubted'
        THEN jsonb_build_object('unconfirmed', state -> 'doubted') ELSE '{}' END
    || CASE WHEN state ? 'placed'
        THEN jsonb_build_object('positions', state -> 'placed') ELSE '{}' END
    || CASE jsonb_typeof(state -> 'quest')
        WHEN 'object' THEN jsonb_build_object('profile_lookup',
            (state -> 'quest') - 'ask_at'
            || jsonb_build_object('next_lookup_at', state #> '{quest,ask_at}'))
        WHEN 'null' THEN '{"profile_lookup": null}' ELSE '{}' END
WHERE state ?| ARRAY['doubted', 'placed', 'quest'];
