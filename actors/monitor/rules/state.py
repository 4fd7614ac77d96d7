"""The state of a service's health between two checks, and how it is read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from pydantic import TypeAdapter

from persistence.ids import ResultId, ServiceId, TenantId
from persistence.monitor import Status

#: Outcomes that flap detection looks at.
HISTORY = 20
#: Statuses that a service causes itself; the other two are about us.
VERDICTS = frozenset({Status.UNKNOWN, Status.UP, Status.DEGRADED, Status.DOWN})


@dataclass(frozen=True, slots=True)
class Incident:
    """An outage."""

    #: The result that started it.
    id: ResultId
    began_at: datetime
    #: The last alert of it; None while the cool-down holds the first alert back.
    notified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """A service's health.

    `verdict` is what its own answers say; `status` is what is shown, which differs in
    maintenance and while our own network is down.
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
    #: The last alert of trouble, over all incidents.
    notified_at: datetime | None = None
    #: The shortest term, in days, for which a certificate alert was sent.
    certificate_notified: int | None = None


class BrokenInvariantError(AssertionError):
    """A state that no history can lead to."""


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
    broken = [text for text, holds in problems.items() if holds]
    if broken:
        message = f"{'; '.join(broken)}: {state}"
        raise BrokenInvariantError(message)


def decode_state(stored: Mapping[str, object]) -> ServiceHealth:
    """Read a state from JSON; orjson writes the dataclass as it is."""
    return _build_decoder().validate_python(_rename(stored, _FORMER_NAMES))


#: Names that releases before 0016 wrote: such a runtime may still hold the lease.
_FORMER_NAMES = {
    "told_at": "notified_at",
    "certificate_told": "certificate_notified",
}


def _rename(
    stored: Mapping[str, object], names: Mapping[str, str]
) -> dict[str, object]:
    return {
        names.get(key, key): _rename(value, names)
        if isinstance(value, Mapping)
        else value
        for key, value in stored.items()
    }


# Takes a millisecond to build, and is used for every service.
@cache
def _build_decoder() -> TypeAdapter[ServiceHealth]:
    return TypeAdapter(ServiceHealth)
