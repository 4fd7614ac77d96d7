"""Keeps one visitor, or one address, from taking the shop for itself."""

import ipaddress
import time
from collections.abc import Iterable
from datetime import timedelta

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from deployments.channels.errors import TooManyMessagesError

#: A person types a message in two seconds at best, and not for a minute.
MESSAGES_PER_VISITOR = 30
#: An office or a mobile carrier's gateway is one address with many people behind it.
MESSAGES_PER_ADDRESS = 300


class VisitorThrottle:
    """Counts messages of the last minute, in this process."""

    def __init__(
        self,
        *,
        per_visitor: int = MESSAGES_PER_VISITOR,
        per_address: int = MESSAGES_PER_ADDRESS,
    ) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_visitor = RateLimitItemPerMinute(per_visitor)
        self._per_address = RateLimitItemPerMinute(per_address)

    async def admit(self, visitor: str, address: str | None) -> None:
        """Count one message. Raises TooManyMessagesError with the time to wait."""
        await self._hit(self._per_visitor, f"visitor:{visitor}")
        if address is not None:
            await self._hit(self._per_address, f"address:{address}")

    async def _hit(self, limit: RateLimitItemPerMinute, key: str) -> None:
        if await self._limiter.hit(limit, key):
            return
        window = await self._limiter.get_window_stats(limit, key)
        seconds = max(1.0, window.reset_time - time.time())
        raise TooManyMessagesError(retry_after=timedelta(seconds=seconds))


def find_address(peer: str | None, forwarded: Iterable[str]) -> str | None:
    """Find the visitor's public address; None when there is none to tell.

    Args:
        peer: whoever is at the other end of the connection.
        forwarded: the values of `X-Forwarded-For`, which each proxy adds to.

    A peer with a public address is the visitor. Behind proxies of our own it is the
    last public address that they noted: what stands before it, anyone can write.
    """
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    if peer is not None:
        hops.append(peer)
    for hop in reversed(hops):
        try:
            address = ipaddress.ip_address(hop)
        except ValueError:
            return None
        if address.version == 6 and address.is_global:
            # One household owns a whole /64 and may use a new address a minute.
            return str(ipaddress.ip_network((address, 64), strict=False))
        if address.is_global:
            return str(address)
    return None
