"""The rules of the monitor, with no clock and no I/O.

Read `decide` first. A service's own answers make its `verdict`; maintenance and a lost
network of ours only cover it: when they end, what is shown is the verdict again.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from actors.monitor.rules.alert_rules import Rules
from actors.monitor.rules.certificates import term_of
from actors.monitor.rules.effects import Decision, Effect, RecordTransition, Tell
from actors.monitor.rules.events import (
    AnomalyFound,
    CheckFailed,
    CheckMissed,
    CheckPassed,
    Event,
    NetworkLost,
)
from actors.monitor.rules.flapping import is_flapping
from actors.monitor.rules.state import HISTORY, Incident, ServiceHealth
from persistence.monitor import AlertKind, Status

#: A service that goes to and fro must fail longer before it is called down.
FLAPPING_FACTOR = 2
FLAPPING = "it goes to and fro"
SLOW = "slower than it should be"
MAINTENANCE = "maintenance"
BACK = "it answers again"


def decide(state: ServiceHealth, event: Event, rules: Rules) -> Decision:
    """Apply one event."""
    match event:
        case CheckPassed() | CheckFailed() | NetworkLost() if event.in_maintenance:
            # What it answers while people work on it counts for nothing.
            rested = replace(state, failures=0, passes=0, quick=0, slow=0)
            return _show(rested, Status.MAINTENANCE, MAINTENANCE, event)
        case CheckPassed():
            return _on_passed(state, event, rules)
        case CheckFailed():
            return _on_failed(state, event, rules)
        case NetworkLost():
            return _show(state, Status.UNKNOWN, event.reason, event)
        case CheckMissed():
            return Decision(state)
        case AnomalyFound():
            return _on_anomaly(state, event, rules)
        case _:
            assert_never(event)


def _on_passed(state: ServiceHealth, event: CheckPassed, rules: Rules) -> Decision:
    limit = rules.degraded_after_ms
    was_slow = limit is not None and event.latency_ms > limit
    state, begun = _remember(state, passed=True)
    state = replace(
        state,
        failures=0,
        passes=state.passes + 1,
        quick=0 if was_slow else state.quick + 1,
        slow=state.slow + 1 if was_slow else 0,
    )
    verdict, reason = _judge_pass(state, rules)
    effects: list[Effect] = []
    if state.verdict is Status.DOWN and verdict is not Status.DOWN:
        state, told = _recover(state, event)
        effects.extend(told)
    state, told = _tell_certificate(state, event)
    effects.extend(told)
    if begun:
        state, told = _tell_flapping(state, event, rules)
        effects.extend(told)
    shown = _show(replace(state, verdict=verdict), verdict, reason, event)
    return Decision(shown.state, (*shown.effects, *effects))


def _judge_pass(state: ServiceHealth, rules: Rules) -> tuple[Status, str]:
    """Return what a pass makes of the service, and why."""
    if state.verdict is Status.DOWN and state.passes < rules.success_threshold:
        return Status.DOWN, "not yet back for long enough"
    if state.is_flapping:
        return Status.DEGRADED, FLAPPING
    if state.slow >= rules.failure_threshold:
        return Status.DEGRADED, SLOW
    if state.verdict is Status.DEGRADED and state.quick < rules.success_threshold:
        return Status.DEGRADED, SLOW
    return Status.UP, BACK


def _on_failed(state: ServiceHealth, event: CheckFailed, rules: Rules) -> Decision:
    state, begun = _remember(state, passed=False)
    state = replace(state, failures=state.failures + 1, passes=0, quick=0, slow=0)
    factor = FLAPPING_FACTOR if state.is_flapping else 1
    verdict, reason = state.verdict, event.reason
    if state.failures >= rules.failure_threshold * factor:
        verdict = Status.DOWN
    elif state.is_flapping and verdict is not Status.DOWN:
        verdict, reason = Status.DEGRADED, FLAPPING
    if verdict is Status.DOWN and state.incident is None:
        state = replace(state, incident=Incident(event.id, event.at))
    shown = _show(replace(state, verdict=verdict), verdict, reason, event)
    state, effects = shown.state, list(shown.effects)
    if begun:
        state, told = _tell_flapping(state, event, rules)
        effects.extend(told)
    state, told = _tell_down(state, event, rules)
    return Decision(state, (*effects, *told))


def _on_anomaly(state: ServiceHealth, event: AnomalyFound, rules: Rules) -> Decision:
    # A service that is down is told already, and odd of course.
    is_covered = state.verdict is Status.DOWN or state.status is Status.MAINTENANCE
    if is_covered or not _has_passed(state.told_at, event.at, rules.cooldown):
        return Decision(state)
    told = Tell(
        AlertKind.ANOMALY,
        event.id,
        event.at,
        event.text,
        feature=event.feature,
        score=event.score,
    )
    return Decision(replace(state, told_at=event.at), (told,))


def _remember(state: ServiceHealth, *, passed: bool) -> tuple[ServiceHealth, bool]:
    """Add an outcome to the history; say whether flapping has just begun."""
    history = (*state.history, passed)[-HISTORY:]
    flaps = is_flapping(history, was_flapping=state.is_flapping)
    begun = flaps and not state.is_flapping
    return replace(state, history=history, is_flapping=flaps), begun


def _show(
    state: ServiceHealth,
    status: Status,
    reason: str,
    event: CheckPassed | CheckFailed | NetworkLost,
) -> Decision:
    """Show a status; a change of it is a transition."""
    if status is state.status:
        return Decision(state)
    change = RecordTransition(event.at, state.status, status, reason, event.id)
    return Decision(replace(state, status=status, since=event.at), (change,))


def _recover(
    state: ServiceHealth, event: CheckPassed
) -> tuple[ServiceHealth, tuple[Effect, ...]]:
    incident = state.incident
    state = replace(state, incident=None)
    if incident is None or incident.told_at is None:
        # Nobody heard that it was down, so nobody waits to hear that it is back.
        return state, ()
    told = Tell(
        AlertKind.RECOVERED,
        event.id,
        event.at,
        incident_id=incident.id,
        down_for=_between(incident.began_at, event.at),
    )
    return state, (told,)


def _tell_down(
    state: ServiceHealth, event: CheckFailed, rules: Rules
) -> tuple[ServiceHealth, tuple[Effect, ...]]:
    """Tell a new incident once the cool-down allows it, an old one as a reminder."""
    incident = state.incident
    if incident is None:
        return state, ()
    if incident.told_at is None:
        kind = AlertKind.DOWN
        is_due = _has_passed(state.told_at, event.at, rules.cooldown)
    else:
        kind = AlertKind.REMINDER
        is_due = bool(rules.reminder) and _has_passed(
            incident.told_at, event.at, rules.reminder
        )
    if not is_due:
        return state, ()
    told = Tell(
        kind,
        event.id,
        event.at,
        event.reason,
        incident_id=incident.id,
        down_for=_between(incident.began_at, event.at),
    )
    incident = replace(incident, told_at=event.at)
    return replace(state, incident=incident, told_at=event.at), (told,)


def _tell_flapping(
    state: ServiceHealth, event: CheckPassed | CheckFailed, rules: Rules
) -> tuple[ServiceHealth, tuple[Effect, ...]]:
    if not _has_passed(state.told_at, event.at, rules.cooldown):
        return state, ()
    told = Tell(AlertKind.FLAPPING, event.id, event.at, FLAPPING)
    return replace(state, told_at=event.at), (told,)


def _tell_certificate(
    state: ServiceHealth, event: CheckPassed
) -> tuple[ServiceHealth, tuple[Effect, ...]]:
    if event.tls_expires_at is None:
        return state, ()
    term = term_of(event.tls_expires_at, event.at)
    before = state.certificate_told
    state = replace(state, certificate_told=term)
    if term is None or (before is not None and before <= term):
        return state, ()
    told = Tell(
        AlertKind.CERTIFICATE,
        event.id,
        event.at,
        tls_expires_at=event.tls_expires_at,
    )
    return state, (told,)


def _has_passed(since: datetime | None, at: datetime, span: timedelta) -> bool:
    """Say whether a span is over.

    A clock that was set back by more than the span would hold a notice back for as long
    as it was wrong: so the distance counts, not its direction.
    """
    return since is None or abs(at - since) >= span


def _between(began_at: datetime, at: datetime) -> timedelta:
    return max(at - began_at, timedelta(0))
