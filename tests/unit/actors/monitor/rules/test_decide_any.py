"""The monitor's rules against any events, in any order, at any time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from actors.monitor.rules.alert_rules import AlertRules
from actors.monitor.rules.decide import decide
from actors.monitor.rules.effects import Notify, RecordTransition
from actors.monitor.rules.events import (
    AnomalyFound,
    CheckFailed,
    CheckMissed,
    CheckPassed,
    Event,
    NetworkLost,
)
from actors.monitor.rules.state import ServiceHealth, check_invariants, decode_state
from persistence.ids import ResultId, ServiceId, TenantId
from persistence.monitor import AlertKind, Status

NEW = ServiceHealth(ServiceId(UUID(int=1)), TenantId(UUID(int=2)))
#: Any instant: clocks are set forwards and backwards.
INSTANTS = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    datetime(2035, 1, 1),  # noqa: DTZ001 - the same
    timezones=st.just(UTC),
)
IDS = st.builds(ResultId, st.uuids())
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        CheckPassed,
        IDS,
        INSTANTS,
        st.floats(0, 60_000),
        st.none() | INSTANTS,
        st.booleans(),
    ),
    st.builds(CheckFailed, IDS, INSTANTS, st.just("HTTP 500"), st.booleans()),
    st.builds(NetworkLost, IDS, INSTANTS, st.just("network"), st.booleans()),
    st.builds(CheckMissed, IDS, INSTANTS, st.just("missed")),
    st.builds(
        AnomalyFound, IDS, INSTANTS, st.just("slow"), st.just("latency"), st.just(0.9)
    ),
)
RULES = st.builds(
    AlertRules,
    st.integers(1, 5),
    st.integers(1, 5),
    st.none() | st.floats(1, 60_000),
    st.timedeltas(timedelta(0), timedelta(hours=1)),
    st.timedeltas(timedelta(0), timedelta(days=1)),
)


@given(RULES, st.lists(EVENTS, max_size=60))
def test_no_history_breaks_the_state(rules: AlertRules, events: list[Event]) -> None:
    state = NEW
    for event in events:
        decision = decide(state, event, rules)
        check_invariants(decision.state)
        changes = [e for e in decision.effects if isinstance(e, RecordTransition)]
        # A change is recorded exactly when what is shown changes.
        shown = (state.status, decision.state.status)
        assert [(e.old, e.new) for e in changes] == [shown] * (shown[0] != shown[1])
        state = decision.state


@given(RULES, st.lists(EVENTS, max_size=40), st.integers(0, 40))
def test_a_restart_at_any_point_changes_nothing(
    rules: AlertRules, events: list[Event], crash_at: int
) -> None:
    straight = crashed = NEW
    for index, event in enumerate(events):
        if index == crash_at:
            crashed = decode_state(orjson.loads(orjson.dumps(crashed)))
        first, second = (
            decide(straight, event, rules),
            decide(crashed, event, rules),
        )
        assert first == second
        straight, crashed = first.state, second.state


@given(RULES, st.lists(EVENTS, max_size=60))
def test_recoveries_answer_outages_one_to_one(
    rules: AlertRules, events: list[Event]
) -> None:
    state, open_incident = NEW, None
    for event in events:
        decision = decide(state, event, rules)
        for effect in decision.effects:
            if not isinstance(effect, Notify):
                continue
            if effect.kind is AlertKind.DOWN:
                assert open_incident is None
                open_incident = effect.incident_id
            elif effect.kind in {AlertKind.RECOVERED, AlertKind.REMINDER}:
                assert effect.incident_id == open_incident is not None
                if effect.kind is AlertKind.RECOVERED:
                    open_incident = None
        state = decision.state


@given(st.integers(1, 6), st.lists(st.booleans(), max_size=60))
def test_the_thresholds_are_what_a_slow_model_says(
    threshold: int, outcomes: list[bool]
) -> None:
    """Without flapping, down is: so many failures last, and not so many passes."""
    rules = AlertRules(threshold, threshold)
    state, is_down = NEW, False
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for index, passed in enumerate(outcomes):
        event_id = ResultId(UUID(int=index))
        event: Event = (
            CheckPassed(event_id, at, 1.0) if passed else CheckFailed(event_id, at, "x")
        )
        state = decide(state, event, rules).state
        last = outcomes[max(index + 1 - threshold, 0) : index + 1]
        if state.is_flapping:
            return
        if len(last) == threshold and not any(last):
            is_down = True
        elif len(last) == threshold and all(last):
            is_down = False
        assert (state.verdict is Status.DOWN) == is_down
