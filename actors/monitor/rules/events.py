"""What happens to a service; every event carries its instant and the result's id."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from persistence.ids import ResultId


@dataclass(frozen=True, slots=True)
class CheckPassed:
    """It answered as expected."""

    id: ResultId
    at: datetime
    latency_ms: float
    tls_expires_at: datetime | None = None
    in_maintenance: bool = False


@dataclass(frozen=True, slots=True)
class CheckFailed:
    """It did not answer as expected, at no attempt."""

    id: ResultId
    at: datetime
    reason: str
    in_maintenance: bool = False


@dataclass(frozen=True, slots=True)
class NetworkLost:
    """Nobody could be reached: it says nothing about the service."""

    id: ResultId
    at: datetime
    reason: str
    in_maintenance: bool = False


@dataclass(frozen=True, slots=True)
class CheckMissed:
    """Nobody checked in this slot."""

    id: ResultId
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class AnomalyFound:
    """The analysis found its behaviour odd."""

    id: ResultId
    at: datetime
    #: What was odd, in words.
    text: str
    feature: str
    score: float


Event: TypeAlias = CheckPassed | CheckFailed | NetworkLost | CheckMissed | AnomalyFound
