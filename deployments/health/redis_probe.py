"""How Redis is: for counting calls together, and for the mirror."""

import asyncio
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from actors.conversation.shard.mirror import MirrorHealth
from config.settings import Settings
from deployments.health.probes import PartHealth, PartStatus

#: A health that is asked for every few seconds need not wait for a slow Redis.
REDIS_TIMEOUT_S = 1.0

AskMirror = Callable[[int], Awaitable[MirrorHealth | None]]


async def probe_redis(settings: Settings, ask_mirror: AskMirror) -> PartHealth:
    """Say how Redis is, for this process and for the shards that mirror to it.

    Never down: nothing that is asked of the runtime needs Redis.
    """
    if settings.redis_url is None:
        return PartHealth(PartStatus.OK, "not configured")
    answers, *mirrors = await asyncio.gather(
        _answers(settings.redis_url.get_secret_value()),
        *(ask_mirror(shard) for shard in range(settings.shards)),
    )
    if not answers or MirrorHealth.UNREACHABLE in mirrors:
        return PartHealth(
            PartStatus.DEGRADED,
            "not reachable: the mirror waits, throttling counts per process",
        )
    behind = [
        str(shard)
        for shard, health in enumerate(mirrors)
        if health is not MirrorHealth.RIGHT
    ]
    if behind:
        reason = f"the mirror is behind: shard {', '.join(behind)}"
        return PartHealth(PartStatus.DEGRADED, reason)
    return PartHealth(PartStatus.OK)


async def _answers(url: str) -> bool:
    try:
        async with (
            asyncio.timeout(REDIS_TIMEOUT_S),
            Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as client,
        ):
            await client.get("pilito")
    except (RedisError, OSError, TimeoutError, ValueError):
        return False
    return True
