"""The outcome of a check, and how failures are told apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class FailureKind(StrEnum):
    """Why a check failed."""

    #: The address is one that may not be checked.
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


#: How an outage of our own network shows; all others prove that a server answered.
NETWORK_KINDS = frozenset(
    {FailureKind.OFFLINE, FailureKind.DNS, FailureKind.CONNECT, FailureKind.TIMEOUT}
)
NETWORK_LOST = "our own network is down"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a check; `failure` is None when it passed.

    `error` is for people, and contains neither headers nor bodies.
    """

    attempts: int
    status_code: int | None = None
    #: Of the last attempt, until its body was read; None when nothing answered.
    latency_ms: float | None = None
    failure: FailureKind | None = None
    error: str | None = None
    tls_expires_at: datetime | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    #: Whether an address outside this machine's own networks answered.
    is_outside: bool = False
    #: Whether our own network may have caused the failure.
    is_doubtful: bool = False

    @property
    def passed(self) -> bool:
        """Whether the service answered as expected."""
        return self.failure is None
