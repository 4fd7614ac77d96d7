"""The outcome of a check, and whether failures are our own network's."""

from collections.abc import Iterable, Mapping
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
#: Failures that a retry may cure.
RETRIED_KINDS = NETWORK_KINDS | {FailureKind.PROTOCOL}


#: So many hosts don't vanish in one slot by chance.
LOST_TOGETHER = 3
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
    #: The host of the service's own address, before any redirect.
    host: str = ""
    #: Whether an address outside this machine's own networks answered.
    is_outside: bool = False
    #: Whether our own network may have caused the failure.
    is_doubtful: bool = False

    @property
    def passed(self) -> bool:
        """Whether the service answered as expected."""
        return self.failure is None


def is_network_lost(outcomes: Iterable[Outcome]) -> bool:
    """Decide from a slot's outcomes whether our own network was down.

    One answer from outside proves the network. Without any, it was down when the system
    has no route, or when several hosts are unreachable at once.
    """
    seen = list(outcomes)
    if any(outcome.is_outside for outcome in seen):
        return False
    lost = [outcome for outcome in seen if outcome.is_doubtful]
    if any(outcome.failure is FailureKind.OFFLINE for outcome in lost):
        return True
    return len({outcome.host for outcome in lost}) >= LOST_TOGETHER
