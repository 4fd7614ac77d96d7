"""Events of a service; each carries its instant and the id of its result."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from persistence.ids import ResultId


@dataclass(frozen=True, slots=True)
class CheckPassed:
    """The service answered as expected."""

    id: ResultId
    at: datetime
    latency_ms: float
    tls_expires_at: datetime | None = None
    in_maintenance: bool = False


@dataclass(frozen=True, slots=True)
class CheckFailed:
    """No attempt got the expected answer."""

    id: ResultId
    at: datetime
    reason: str
    in_maintenance: bool = False


@dataclass(frozen=True, slots=True)
class NetworkLost:
    """Our own network was down: the check says nothing about the service."""

    id: ResultId
    at: datetime
    reason: str
    in_maintenance: bool = False


@dataclass(frozen=True, slots=True)
class CheckMissed:
    """There was no check in this slot."""

    id: ResultId
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class AnomalyFound:
    """The analysis found an anomaly."""

    id: ResultId
    at: datetime
    #: The anomaly in words.
    text: str
    feature: str
    score: float


Event: TypeAlias = CheckPassed | CheckFailed | NetworkLost | CheckMissed | AnomalyFound
