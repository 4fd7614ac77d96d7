"""What a decision orders: what to record, and what to tell."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from actors.monitor.rules.state import ServiceHealth
from persistence.ids import ResultId
from persistence.monitor import AlertKind, Status


@dataclass(frozen=True, slots=True)
class RecordTransition:
    """Store that the status changed."""

    at: datetime
    old: Status
    new: Status
    reason: str
    result_id: ResultId


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the tenant. `cause` and `kind` name the notice, so it is told once."""

    kind: AlertKind
    cause: ResultId
    at: datetime
    reason: str = ""
    incident_id: ResultId | None = None
    #: For how long it has been, or had been, down.
    down_for: timedelta | None = None
    tls_expires_at: datetime | None = None
    feature: str = ""
    score: float | None = None


Effect: TypeAlias = RecordTransition | Tell


@dataclass(frozen=True, slots=True)
class Decision:
    """The state after an event, and what it orders, in order."""

    state: ServiceHealth
    effects: tuple[Effect, ...] = field(default=())
