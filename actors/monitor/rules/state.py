"""What is known of a service's health between two checks."""

from dataclasses import dataclass
from datetime import datetime

from persistence.ids import ResultId, ServiceId, TenantId
from persistence.monitor import Status

#: So many outcomes are looked at to see whether a service flaps.
HISTORY = 20
#: What a service itself can be; the other two are about us.
VERDICTS = frozenset({Status.UNKNOWN, Status.UP, Status.DEGRADED, Status.DOWN})


@dataclass(frozen=True, slots=True)
class Incident:
    """A time of being down."""

    #: The result that began it.
    id: ResultId
    began_at: datetime
    #: When it was told last; None while the cool-down holds the first notice back.
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """A service's health.

    `verdict` is what its own answers say; `status` is what is shown, which in
    maintenance and while our own network is gone is another thing.
    """

    service_id: ServiceId
    tenant_id: TenantId
    status: Status = Status.UNKNOWN
    since: datetime | None = None
    verdict: Status = Status.UNKNOWN
    #: Failures, passes, quick and slow passes in a row.
    failures: int = 0
    passes: int = 0
    quick: int = 0
    slow: int = 0
    #: The last outcomes, the newest last.
    history: tuple[bool, ...] = ()
    is_flapping: bool = False
    incident: Incident | None = None
    #: When trouble was told last, over all incidents.
    told_at: datetime | None = None
    #: The shortest of the terms, in days, for which the certificate was told.
    certificate_told: int | None = None


class BrokenInvariantError(AssertionError):
    """A state that no history leads to."""


def check_invariants(state: ServiceHealth) -> None:
    """Raise BrokenInvariantError when the state contradicts itself."""
    problems = {
        "it passed and failed last": state.failures and state.passes,
        "it was quick and slow last": state.quick and state.slow,
        "an incident without being down": (state.incident is None)
        != (state.verdict is not Status.DOWN),
        "a verdict about us": state.verdict not in VERDICTS,
        "shown as something else": state.status
        not in {state.verdict, Status.UNKNOWN, Status.MAINTENANCE},
        "an endless memory": len(state.history) > HISTORY,
    }
    found = [text for text, holds in problems.items() if holds]
    if found:
        message = f"{'; '.join(found)}: {state}"
        raise BrokenInvariantError(message)
