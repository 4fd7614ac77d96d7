"""Effects of a decision: transitions to record, and alerts to send."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from actors.monitor.rules.state import ServiceHealth
from persistence.ids import ResultId
from persistence.monitor import AlertKind, Status


@dataclass(frozen=True, slots=True)
class RecordTransition:
    """Store a change of the status."""

    at: datetime
    old: Status
    new: Status
    reason: str
    result_id: ResultId


@dataclass(frozen=True, slots=True)
class Notify:
    """Alert the tenant. `cause` and `kind` make the alert's id, so it is sent once."""

    kind: AlertKind
    cause: ResultId
    at: datetime
    reason: str = ""
    incident_id: ResultId | None = None
    #: How long the service has been, or was, down.
    down_for: timedelta | None = None
    tls_expires_at: datetime | None = None
    feature: str = ""
    score: float | None = None


Effect: TypeAlias = RecordTransition | Notify


@dataclass(frozen=True, slots=True)
class Decision:
    """The state after an event, and its effects in order."""

    state: ServiceHealth
    effects: tuple[Effect, ...] = field(default=())
