"""How the parts of the runtime say whether they work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import structlog

#: Whoever asks for the health waits so long for the slowest part.
PROBE_TIMEOUT_S = 2.0
#: All that `/readyz` speaks of.
PARTS = (
    "database",
    "redis",
    "shards",
    "retriever",
    "reranker",
    "responder",
    "monitor",
)
#: Without these a message can't be taken.
VITAL_PARTS = frozenset({"database", "shards"})

log = structlog.get_logger("probes")


class PartStatus(StrEnum):
    """How well a part works."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class PartHealth:
    """A part's status; the reason is empty when there is nothing to explain."""

    status: PartStatus
    reason: str = ""


Probe = Callable[[], Awaitable[PartHealth]]


async def check_parts(
    probes: Mapping[str, Probe], timeout_s: float = PROBE_TIMEOUT_S
) -> dict[str, PartHealth]:
    """Ask all parts at once; one that is late or fails is down."""
    names = [*PARTS, *(name for name in probes if name not in PARTS)]
    healths = await asyncio.gather(
        *(_check(name, probes.get(name), timeout_s) for name in names)
    )
    return dict(zip(names, healths, strict=True))


def is_ready(parts: Mapping[str, PartHealth]) -> bool:
    """Say whether messages can be taken."""
    return all(parts[name].status is not PartStatus.DOWN for name in VITAL_PARTS)


async def _check(name: str, probe: Probe | None, timeout_s: float) -> PartHealth:
    if probe is None:
        return PartHealth(PartStatus.DEGRADED, "this runtime has no such part")
    try:
        async with asyncio.timeout(timeout_s):
            return await probe()
    except TimeoutError:
        return PartHealth(PartStatus.DOWN, f"no answer within {timeout_s:g} s")
    except Exception as error:  # noqa: BLE001 - a broken part must not hide the others
        log.warning("probe_failed", part=name, error=repr(error))
        # The text may name hosts and accounts; the type is enough for outsiders.
        return PartHealth(PartStatus.DOWN, type(error).__name__)
