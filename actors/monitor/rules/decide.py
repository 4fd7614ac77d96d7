"""Decides about a service's health, with no clock and no I/O.

Read `decide` first. A service's own answers make its `verdict`; maintenance and an
outage of our own network only cover it: when they end, the verdict is shown again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import assert_never

from actors.monitor.rules import events
from actors.monitor.rules.alert_rules import AlertRules
from actors.monitor.rules.effects import Decision, Effect, Notify, RecordTransition
from actors.monitor.rules.state import HISTORY, Incident, ServiceHealth
from persistence.monitor import AlertKind, Status

#: Changes among the last 20 outcomes at which flapping begins, and at which it ends:
#: the hysteresis of Nagios' flap detection, on outcomes instead of states.
FLAPPING_BEGINS_AT = 8
FLAPPING_ENDS_AT = 3
#: Days before a certificate's end, each alerted once.
CERTIFICATE_TERMS = (14, 7, 3, 1)
#: A flapping service must fail longer before it counts as down.
FLAPPING_FACTOR = 2
FLAPPING = "flapping"
SLOW = "slower than its limit"
MAINTENANCE = "maintenance"
BACK = "answers again"


def decide(state: ServiceHealth, event: events.Event, rules: AlertRules) -> Decision:
    """Apply one event."""
    match event:
        case events.CheckPassed() | events.CheckFailed() | events.NetworkLost() if (
            event.in_maintenance
        ):
            # Answers in maintenance count for nothing.
            rested = replace(state, failures=0, passes=0, quick=0, slow=0)
            return _show(rested, Status.MAINTENANCE, MAINTENANCE, event)
        case events.CheckPassed():
            return _on_passed(state, event, rules)
        case events.CheckFailed():
            return _on_failed(state, event, rules)
        case events.NetworkLost():
            return _show(state, Status.UNKNOWN, event.reason, event)
        case events.CheckMissed():
            return Decision(state)
        case events.AnomalyFound():
            return _on_anomaly(state, event, rules)
        case _:
            assert_never(event)


def _on_passed(
    state: ServiceHealth, event: events.CheckPassed, rules: AlertRules
) -> Decision:
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
    verdict, reason = _find_verdict(state, rules)
    effects: list[Effect] = []
    if state.verdict is Status.DOWN and verdict is not Status.DOWN:
        state, alerts = _recover(state, event)
        effects.extend(alerts)
    state, alerts = _notify_certificate(state, event)
    effects.extend(alerts)
    if begun:
        state, alerts = _notify_flapping(state, event, rules)
        effects.extend(alerts)
    shown = _show(replace(state, verdict=verdict), verdict, reason, event)
    return Decision(shown.state, (*shown.effects, *effects))


def _find_verdict(state: ServiceHealth, rules: AlertRules) -> tuple[Status, str]:
    """Return the verdict after a pass, and its reason."""
    if state.verdict is Status.DOWN and state.passes < rules.success_threshold:
        return Status.DOWN, "not back for long enough yet"
    if state.is_flapping:
        return Status.DEGRADED, FLAPPING
    if state.slow >= rules.failure_threshold:
        return Status.DEGRADED, SLOW
    if state.verdict is Status.DEGRADED and state.quick < rules.success_threshold:
        return Status.DEGRADED, SLOW
    return Status.UP, BACK


def _on_failed(
    state: ServiceHealth, event: events.CheckFailed, rules: AlertRules
) -> Decision:
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
        state, alerts = _notify_flapping(state, event, rules)
        effects.extend(alerts)
    state, alerts = _notify_down(state, event, rules)
    return Decision(state, (*effects, *alerts))


def _on_anomaly(
    state: ServiceHealth, event: events.AnomalyFound, rules: AlertRules
) -> Decision:
    # An outage has its own alerts, and is an anomaly of course.
    is_covered = state.verdict is Status.DOWN or state.status is Status.MAINTENANCE
    if is_covered or not _has_passed(state.notified_at, event.at, rules.cooldown):
        return Decision(state)
    alert = Notify(
        AlertKind.ANOMALY,
        event.id,
        event.at,
        event.text,
        feature=event.feature,
        score=event.score,
    )
    return Decision(replace(state, notified_at=event.at), (alert,))


def _remember(state: ServiceHealth, *, passed: bool) -> tuple[ServiceHealth, bool]:
    """Add an outcome to the history; return whether flapping has just begun."""
    history = (*state.history, passed)[-HISTORY:]
    flaps = is_flapping(history, was_flapping=state.is_flapping)
    begun = flaps and not state.is_flapping
    return replace(state, history=history, is_flapping=flaps), begun


def _show(
    state: ServiceHealth,
    status: Status,
    reason: str,
    event: events.CheckPassed | events.CheckFailed | events.NetworkLost,
) -> Decision:
    """Show a status; a change of it is recorded as a transition."""
    if status is state.status:
        return Decision(state)
    change = RecordTransition(event.at, state.status, status, reason, event.id)
    return Decision(replace(state, status=status, since=event.at), (change,))


def _recover(
    state: ServiceHealth, event: events.CheckPassed
) -> tuple[ServiceHealth, tuple[Effect, ...]]:
    incident = state.incident
    state = replace(state, incident=None)
    if incident is None or incident.notified_at is None:
        # Without an alert of the outage there is none of its end.
        return state, ()
    alert = Notify(
        AlertKind.RECOVERED,
        event.id,
        event.at,
        incident_id=incident.id,
        down_for=_between(incident.began_at, event.at),
    )
    return state, (alert,)


def _notify_down(
    state: ServiceHealth, event: events.CheckFailed, rules: AlertRules
) -> tuple[ServiceHealth, tuple[Effect, ...]]:
    """Alert of a new incident after the cool-down, of an old one as a reminder."""
    incident = state.incident
    if incident is None:
        return state, ()
    if incident.notified_at is None:
        kind = AlertKind.DOWN
        is_due = _has_passed(state.notified_at, event.at, rules.cooldown)
    else:
        kind = AlertKind.REMINDER
        is_due = bool(rules.reminder) and _has_passed(
            incident.notified_at, event.at, rules.reminder
        )
    if not is_due:
        return state, ()
    alert = Notify(
        kind,
        event.id,
        event.at,
        event.reason,
        incident_id=incident.id,
        down_for=_between(incident.began_at, event.at),
    )
    incident = replace(incident, notified_at=event.at)
    return replace(state, incident=incident, notified_at=event.at), (alert,)


def _notify_flapping(
    state: ServiceHealth,
    event: events.CheckPassed | events.CheckFailed,
    rules: AlertRules,
) -> tuple[ServiceHealth, tuple[Effect, ...]]:
    if not _has_passed(state.notified_at, event.at, rules.cooldown):
        return state, ()
    alert = Notify(AlertKind.FLAPPING, event.id, event.at, FLAPPING)
    return replace(state, notified_at=event.at), (alert,)


def _notify_certificate(
    state: ServiceHealth, event: events.CheckPassed
) -> tuple[ServiceHealth, tuple[Effect, ...]]:
    if event.tls_expires_at is None:
        return state, ()
    term = find_term(event.tls_expires_at, event.at)
    before = state.certificate_notified
    state = replace(state, certificate_notified=term)
    if term is None or (before is not None and before <= term):
        return state, ()
    alert = Notify(
        AlertKind.CERTIFICATE,
        event.id,
        event.at,
        tls_expires_at=event.tls_expires_at,
    )
    return state, (alert,)


def _has_passed(since: datetime | None, at: datetime, span: timedelta) -> bool:
    """True if a span is over.

    After a clock was set back, a comparison of order would hold alerts back until the
    clock caught up: so the distance counts, not its direction.
    """
    return since is None or abs(at - since) >= span


def _between(began_at: datetime, at: datetime) -> timedelta:
    return max(at - began_at, timedelta(0))


def count_changes(history: Sequence[bool]) -> int:
    """Count how often an outcome differs from the one before."""
    return sum(first != second for first, second in pairwise(history))


def is_flapping(history: Sequence[bool], *, was_flapping: bool) -> bool:
    """True if the service is flapping now."""
    changes = count_changes(history)
    return changes > FLAPPING_ENDS_AT if was_flapping else changes >= FLAPPING_BEGINS_AT


def days_left(expires_at: datetime, at: datetime) -> int:
    """Return the whole days until the end; negative after it."""
    return (expires_at - at) // timedelta(days=1)


def find_term(expires_at: datetime, at: datetime) -> int | None:
    """Return the shortest certificate term that has begun; None before the first."""
    left = days_left(expires_at, at)
    return min((term for term in CERTIFICATE_TERMS if left < term), default=None)
