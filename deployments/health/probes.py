"""Health of the runtime's parts: a probe of each, for `/readyz`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import assert_never

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from actors.clock import SystemClock
from actors.conversation.client import ask_mirror_health, is_shard_serving
from actors.conversation.shard.mirror import MirrorHealth
from actors.monitor.client import ask_is_leader
from config.settings import Settings
from config.signatures import (
    UNSIGNED,
    UNVERIFIABLE,
    Signatures,
    judge_signatures,
)
from persistence.database import Pool
from persistence.dead_letters import count_recent_dead_letters

#: A request for the health waits no longer for the slowest part.
PROBE_TIMEOUT_S = 2.0
#: Health is asked for every few seconds: no need to wait for a slow Redis.
REDIS_TIMEOUT_S = 1.0
#: Dead letters that are this young are told of.
RECENT = timedelta(days=1)
#: The parts of `/readyz`.
PARTS = (
    "database",
    "redis",
    "shards",
    "retriever",
    "reranker",
    "responder",
    "monitor",
    "instagram_webhooks",
)
#: No part that the monitor watches: itself, and a matter of the settings.
UNWATCHED_PARTS = frozenset({"monitor", "instagram_webhooks"})
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
AskMirror = Callable[[int], Awaitable[MirrorHealth | None]]

OK = PartHealth(PartStatus.OK)


async def check_parts(
    probes: Mapping[str, Probe], timeout_s: float = PROBE_TIMEOUT_S
) -> dict[str, PartHealth]:
    """Probe all parts at once; a part that is late or fails is down."""
    names = [*PARTS, *(name for name in probes if name not in PARTS)]
    healths = await asyncio.gather(
        *(_check(name, probes.get(name), timeout_s) for name in names)
    )
    return dict(zip(names, healths, strict=True))


def is_ready(parts: Mapping[str, PartHealth]) -> bool:
    """Say whether messages can be taken."""
    return all(parts[name].status is not PartStatus.DOWN for name in VITAL_PARTS)


def build_probes(
    settings: Settings,
    pool: Pool,
    probe_deployment: Callable[[str], Awaitable[PartHealth]],
) -> dict[str, Probe]:
    """Build the probe of each part that this runtime has.

    Args:
        settings: name the shards and Redis.
        pool: the database.
        probe_deployment: asks a deployment of the answering side, by its name.
    """

    async def database() -> PartHealth:
        since = SystemClock().now() - RECENT
        letters = await count_recent_dead_letters(pool, since)
        if not letters:
            return OK
        reason = f"{letters} events could not be stored lately: /api/dead-letters/"
        return PartHealth(PartStatus.OK, reason)

    async def redis() -> PartHealth:
        return await probe_redis(settings, ask_mirror_health)

    async def shards() -> PartHealth:
        return await _probe_shards(settings.shards)

    return {
        "database": database,
        "redis": redis,
        "shards": shards,
        "retriever": partial(probe_deployment, "Retriever"),
        "reranker": partial(probe_deployment, "Reranker"),
        "responder": partial(probe_deployment, "Responder"),
        "monitor": _probe_monitor,
        "instagram_webhooks": partial(_probe_signatures, settings),
    }


async def _probe_signatures(settings: Settings) -> PartHealth:
    """Say how Instagram's webhooks are judged; `judge_signatures` says why."""
    match judge_signatures(settings):
        case Signatures.VERIFIED:
            return PartHealth(PartStatus.OK, "signatures are verified")
        case Signatures.LOOPBACK_ONLY:
            return PartHealth(PartStatus.OK, UNSIGNED)
        case Signatures.REFUSED:
            return PartHealth(PartStatus.DEGRADED, UNVERIFIABLE)
        case state:
            assert_never(state)


async def _probe_monitor() -> PartHealth:
    is_leader = await ask_is_leader()
    if is_leader is None:
        return PartHealth(PartStatus.DOWN, "no answer")
    # Another runtime on this database watches the services: all is well.
    return OK if is_leader else PartHealth(PartStatus.OK, "standing by")


async def _probe_shards(shards: int) -> PartHealth:
    serving = await asyncio.gather(
        *(is_shard_serving(shard) for shard in range(shards))
    )
    away = [str(shard) for shard, serves in enumerate(serving) if not serves]
    if not away:
        return OK
    # Webhooks for their conversations are refused, and the platforms repeat them.
    return PartHealth(PartStatus.DOWN, f"not serving: shard {', '.join(away)}")


async def probe_redis(settings: Settings, ask_mirror: AskMirror) -> PartHealth:
    """Probe Redis from this process and from the shards that mirror to it.

    Never down: no request to the runtime needs Redis.
    """
    if settings.redis_url is None:
        return PartHealth(PartStatus.OK, "not configured")
    answers, *mirrors = await asyncio.gather(
        _does_redis_answer(settings.redis_url.get_secret_value()),
        *(ask_mirror(shard) for shard in range(settings.shards)),
    )
    if not answers or MirrorHealth.UNREACHABLE in mirrors:
        return PartHealth(
            PartStatus.DEGRADED,
            "not reachable: the mirror waits, rate limits count per process",
        )
    behind = [
        str(shard)
        for shard, health in enumerate(mirrors)
        if health is not MirrorHealth.RIGHT
    ]
    if behind:
        reason = f"the mirror is behind: shard {', '.join(behind)}"
        return PartHealth(PartStatus.DEGRADED, reason)
    return OK


async def _does_redis_answer(url: str) -> bool:
    try:
        async with (
            asyncio.timeout(REDIS_TIMEOUT_S),
            Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as client,
        ):
            await client.get("pilito")
    except (RedisError, OSError, TimeoutError, ValueError):
        return False
    return True


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
