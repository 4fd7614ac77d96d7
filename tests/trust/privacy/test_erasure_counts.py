"""Counts of rate limits hold nobody's id (H7)."""

import pytest

from actors.clock import SystemClock
from deployments.http.errors import TooManyRequestsError
from deployments.rate_limit import VisitorRateLimiter
from tests.support.conversation.tables import dump_redis, find
from tests.support.servers.valkey import Valkey

PHONE = "09121234567"


async def test_trust_h7_redis_counts_a_visitor_without_the_id() -> None:
    valkey = Valkey()
    await valkey.start()
    limiter = VisitorRateLimiter(SystemClock(), valkey.url, per_visitor=1)
    try:
        await limiter.admit(f"channel:{PHONE}", "192.0.2.1")
        # Another visitor has a count of its own, and this one has had all of hers.
        await limiter.admit("channel:09120000000", "192.0.2.1")
        with pytest.raises(TooManyRequestsError):
            await limiter.admit(f"channel:{PHONE}", "192.0.2.1")
        async with valkey.reader() as redis:
            dump = await dump_redis(redis)
    finally:
        await limiter.stop()
        await valkey.stop()
    assert "visitor" in dump
    assert find([PHONE], dump) == []
