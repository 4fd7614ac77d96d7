"""How many calls are too many, counted in Redis when there is one, else in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from actors.clock import Clock
from deployments.web.api.errors import TooManyCallsError

#: A count is worth less than the answer: a slow Redis is passed by.
REDIS_TIMEOUT_S = 0.25
#: A Redis that failed is left alone for so long.
REDIS_PAUSE_S = 5.0

Answer = TypeVar("Answer")
Question = Callable[[MovingWindowRateLimiter], Awaitable[Answer]]

log = structlog.get_logger("throttle")


class Throttle:
    """Counts calls by key over a moving minute.

    With Redis all processes count together; without, or while it is away, each counts
    alone: then the limits are looser, but no request fails.
    """

    def __init__(
        self,
        clock: Clock,
        redis_url: str | None = None,
        *,
        redis_pause_s: float = REDIS_PAUSE_S,
    ) -> None:
        self._clock = clock
        self._redis_url = redis_url
        self._redis_pause_s = redis_pause_s
        self._storage: RedisStorage | None = None
        self._redis: MovingWindowRateLimiter | None = None
        self._memory: MovingWindowRateLimiter | None = None
        self._redis_again_at = 0.0
        self._is_alone = False

    async def stop(self) -> None:
        """Close the connections to Redis."""
        bridge = self._storage.bridge if self._storage else None
        if isinstance(bridge, RedispyBridge):
            await bridge.storage.aclose()

    async def count(self, per_minute: int, *key: str) -> None:
        """Count one call. Raises TooManyCallsError when it is one too many."""
        item = RateLimitItemPerMinute(per_minute)
        if not await self._ask(lambda limiter: limiter.hit(item, *key)):
            await self._refuse(item, *key)

    async def check(self, per_minute: int, *key: str) -> None:
        """Raise TooManyCallsError when one more call would be too many."""
        item = RateLimitItemPerMinute(per_minute)
        if not await self._ask(lambda limiter: limiter.test(item, *key)):
            await self._refuse(item, *key)

    async def _refuse(self, item: RateLimitItemPerMinute, *key: str) -> None:
        stats = await self._ask(lambda limiter: limiter.get_window_stats(item, *key))
        wait_s = stats.reset_time - self._clock.now().timestamp()
        # The window may have ended between the two questions.
        raise TooManyCallsError(retry_after=timedelta(seconds=max(1.0, wait_s)))

    async def _ask(self, question: Question[Answer]) -> Answer:
        now = asyncio.get_running_loop().time()
        if self._redis_url is not None and now >= self._redis_again_at:
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    answer = await question(self._open_redis(self._redis_url))
            except (RedisError, OSError, TimeoutError) as error:
                self._redis_again_at = now + self._redis_pause_s
                # Once per outage, not per question or attempt.
                if not self._is_alone:
                    log.warning("throttle_counts_alone", error=repr(error))
                self._is_alone = True
            else:
                if self._is_alone:
                    log.info("throttle_counts_together_again")
                self._is_alone = False
                return answer
        if self._memory is None:
            # Made here, not in __init__: the storage wants a running event loop.
            self._memory = MovingWindowRateLimiter(MemoryStorage())
        return await question(self._memory)

    def _open_redis(self, url: str) -> MovingWindowRateLimiter:
        if self._redis is None:
            self._storage = RedisStorage(
                f"async+{url}",
                implementation="redispy",
                key_prefix="pilito:throttle",
                socket_connect_timeout=REDIS_TIMEOUT_S,
            )
            self._redis = MovingWindowRateLimiter(self._storage)
        return self._redis
