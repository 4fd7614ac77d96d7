"""What one check found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class FailureKind(StrEnum):
    """Why a check failed."""

    #: The address is one that nobody may check.
    FORBIDDEN = "forbidden"
    #: Our own machine has no way out.
    OFFLINE = "offline"
    DNS = "dns"
    CONNECT = "connect"
    TIMEOUT = "timeout"
    TLS = "tls"
    PROTOCOL = "protocol"
    REDIRECT = "redirect"
    STATUS = "status"
    CONDITION = "condition"
    TOO_LARGE = "too_large"


#: What a lost network of ours may look like; all others prove that somebody answered.
NETWORK_KINDS = frozenset(
    {FailureKind.OFFLINE, FailureKind.DNS, FailureKind.CONNECT, FailureKind.TIMEOUT}
)
#: What may be better a moment later.
PASSING_KINDS = NETWORK_KINDS | {FailureKind.PROTOCOL}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found; `failure` is None when it passed.

    `error` is for people, and names neither headers nor bodies.
    """

    attempts: int
    status_code: int | None = None
    #: Of the last attempt, until its body was read; None when nothing answered.
    latency_ms: float | None = None
    failure: FailureKind | None = None
    error: str | None = None
    tls_expires_at: datetime | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    #: The host that was asked first.
    host: str = ""
    #: Whether something outside this machine's own networks answered.
    is_outside: bool = False
    #: Whether the failure may be our own network's.
    is_doubtful: bool = False

    @property
    def passed(self) -> bool:
        """Whether the service answered as expected."""
        return self.failure is None
