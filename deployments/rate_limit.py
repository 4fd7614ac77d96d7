"""Rate limits per minute, counted in Redis if there is one, else in each process."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Self, TypeVar

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from actors.clock import Clock
from config.settings import Settings
from deployments.http.errors import TooManyRequestsError

#: A request must not wait for its count: a slow Redis is bypassed.
REDIS_TIMEOUT_S = 0.25
#: Pause after a failure of Redis, in which each process counts alone.
REDIS_PAUSE_S = 5.0
#: A person types a message in two seconds at best, and not for a minute.
MESSAGES_PER_VISITOR = 30
#: An office or a mobile carrier's gateway is one address with many people behind it.
MESSAGES_PER_ADDRESS = 300
VISITORS_PER_ADDRESS = 300
#: Tokens and hashes that prove nothing, and channels that do not exist.
MISSES_PER_ADDRESS = 30
#: Stands for all clients whose address is not known.
UNKNOWN_ADDRESS = "unknown"

Answer = TypeVar("Answer")
Question = Callable[[MovingWindowRateLimiter], Awaitable[Answer]]

log = structlog.get_logger("rate_limit")


class RateLimiter:
    """Counts calls by key over a moving minute.

    With Redis all processes count together. Without it, or while it is away, each
    process counts alone: the limits are looser then, but no request fails.
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
        self._is_per_process = False

    @classmethod
    def from_settings(cls, settings: Settings, clock: Clock) -> Self:
        """Build a limiter on the Redis of the settings, if they name one."""
        url = settings.redis_url
        return cls(clock, url.get_secret_value() if url else None)

    async def stop(self) -> None:
        """Close the connections to Redis."""
        bridge = self._storage.bridge if self._storage else None
        if isinstance(bridge, RedispyBridge):
            await bridge.storage.aclose()

    async def count(self, per_minute: int, *key: str) -> None:
        """Count one call. Raises TooManyRequestsError when it is one too many."""
        item = RateLimitItemPerMinute(per_minute)
        if not await self._ask(lambda limiter: limiter.hit(item, *key)):
            await self._refuse(item, *key)

    async def check(self, per_minute: int, *key: str) -> None:
        """Raise TooManyRequestsError when one more call would be too many."""
        item = RateLimitItemPerMinute(per_minute)
        if not await self._ask(lambda limiter: limiter.test(item, *key)):
            await self._refuse(item, *key)

    async def _refuse(self, item: RateLimitItemPerMinute, *key: str) -> None:
        stats = await self._ask(lambda limiter: limiter.get_window_stats(item, *key))
        wait_s = stats.reset_time - self._clock.now().timestamp()
        # The window may have ended between the two calls.
        raise TooManyRequestsError(retry_after=timedelta(seconds=max(1.0, wait_s)))

    async def _ask(self, question: Question[Answer]) -> Answer:
        now = asyncio.get_running_loop().time()
        if self._redis_url is not None and now >= self._redis_again_at:
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    answer = await question(self._open_redis(self._redis_url))
            except (RedisError, OSError, TimeoutError) as error:
                self._redis_again_at = now + self._redis_pause_s
                # One line per outage.
                if not self._is_per_process:
                    log.warning("rate_limit_counted_per_process", error=repr(error))
                self._is_per_process = True
            else:
                if self._is_per_process:
                    log.info("rate_limit_counted_in_redis_again")
                self._is_per_process = False
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


class Turns:
    """Lets one task at a time work for each key; other keys don't wait."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()

    @asynccontextmanager
    async def take(self, key: str) -> AsyncIterator[None]:
        """Wait for the key's turn, and hold it."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._waiting[key] += 1
        try:
            async with lock:
                yield
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                # Nobody holds it or waits for it: keys must not pile up.
                del self._waiting[key], self._locks[key]


class VisitorRateLimiter(RateLimiter):
    """Limits the messages of one visitor of a website, and what one address tries."""

    def __init__(
        self,
        clock: Clock,
        redis_url: str | None = None,
        *,
        per_visitor: int = MESSAGES_PER_VISITOR,
        per_address: int = MESSAGES_PER_ADDRESS,
    ) -> None:
        super().__init__(clock, redis_url)
        self._per_visitor = per_visitor
        self._per_address = per_address

    async def admit(self, visitor: str, address: str | None) -> None:
        """Count one message. Raises TooManyRequestsError with the time to wait.

        Redis sees no visitor's id, which may be a phone number: an erasure does not
        reach the counts of the last minute.
        """
        name = hashlib.sha256(visitor.encode()).hexdigest()
        await self.count(self._per_visitor, "visitor", name)
        if address is not None:
            await self.count(self._per_address, "address", address)

    async def admit_new_visitor(self, address: str | None) -> None:
        """Count a visitor who gets an id. Raises TooManyRequestsError."""
        if address is not None:
            await self.count(VISITORS_PER_ADDRESS, "new-visitor", address)

    async def check_misses(self, what: str, address: str | None) -> None:
        """Raise TooManyRequestsError for an address that has missed too often.

        An unknown address may be a whole proxy's: nobody pays for others' misses.
        """
        if address is not None:
            await self.check(MISSES_PER_ADDRESS, what, address)

    async def count_miss(self, what: str, address: str | None) -> None:
        """Count a miss. Raises TooManyRequestsError when it is one too many."""
        await self.count(MISSES_PER_ADDRESS, what, address or UNKNOWN_ADDRESS)
