"""Keeps one visitor, or one address, from taking the shop for itself."""

import ipaddress
from collections.abc import Iterable

from actors.clock import Clock
from config.settings import Settings
from deployments.integrations.errors import TooManyMessagesError
from deployments.rate_limit import Throttle
from deployments.web.api.errors import TooManyCallsError

#: A person types a message in two seconds at best, and not for a minute.
MESSAGES_PER_VISITOR = 30
#: An office or a mobile carrier's gateway is one address with many people behind it.
MESSAGES_PER_ADDRESS = 300


class VisitorThrottle:
    """Counts visitors' messages of the last minute."""

    def __init__(
        self,
        clock: Clock,
        redis_url: str | None = None,
        *,
        per_visitor: int = MESSAGES_PER_VISITOR,
        per_address: int = MESSAGES_PER_ADDRESS,
    ) -> None:
        self._throttle = Throttle(clock, redis_url)
        self._per_visitor = per_visitor
        self._per_address = per_address

    async def admit(self, visitor: str, address: str | None) -> None:
        """Count one message. Raises TooManyMessagesError with the time to wait."""
        try:
            await self._throttle.count(self._per_visitor, "visitor", visitor)
            if address is not None:
                await self._throttle.count(self._per_address, "address", address)
        except TooManyCallsError as error:
            raise TooManyMessagesError(retry_after=error.retry_after) from error

    async def stop(self) -> None:
        """Close the connections of the count."""
        await self._throttle.stop()


def build_throttle(settings: Settings, clock: Clock) -> VisitorThrottle:
    """Build the throttle that the settings ask for."""
    url = settings.redis_url
    return VisitorThrottle(clock, url.get_secret_value() if url else None)


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
