"""Looks up the channels that strangers name, and soon refuses who only guesses."""

import time
from collections.abc import Callable
from uuid import UUID

from deployments.integrations.channel_directory import ChannelDirectory, Key
from deployments.rate_limit import VisitorRateLimiter
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import ChannelId

#: A channel that is made is announced, so this is only for a lost announcement.
UNKNOWN_FOR_S = 10.0
MAX_UNKNOWN = 10_000
MISSES = "unknown-channel"


class ChannelLookup:
    """Finds channels; each key that does not exist costs one query, and few of them.

    An address that names many is refused before the database is asked. A channel that
    is known is found whoever asks.
    """

    def __init__(
        self,
        directory: ChannelDirectory,
        rate_limiter: VisitorRateLimiter,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._rate_limiter = rate_limiter
        self._timer = timer
        #: Keys that do not exist, with the time at which they are looked up again.
        self._unknown: dict[Key, float] = {}
        self._seen_changes = directory.changes

    @property
    def pool(self) -> Pool:
        """The database of the channels."""
        return self._directory.pool

    async def find_website(
        self, channel_key: str, address: str | None
    ) -> Channel | None:
        """Return the website of a public key; None if there is none.

        Raises:
            TooManyRequestsError: the address has named too many that do not exist.
            DirectoryUnavailableError: the database does not answer.
        """
        if "\0" in channel_key:
            return None  # PostgreSQL's text can't hold it: no key is so.
        key = self._directory.build_key(ChannelKind.WEBSITE, channel_key)
        return await self._find(key, address)

    async def find_by_id(self, channel_id: UUID, address: str | None) -> Channel | None:
        """Return the channel of an id; raises like `find_website`."""
        return await self._find(ChannelId(channel_id), address)

    async def _find(self, key: Key, address: str | None) -> Channel | None:
        if (known := self._directory.recall(key)) is not None:
            return known
        if self._is_unknown(key):
            return None
        await self._rate_limiter.check_misses(MISSES, address)
        channel = await self._directory.look_up(key)
        if channel is None:
            self._remember(key)
            await self._rate_limiter.count_miss(MISSES, address)
        return channel

    def _is_unknown(self, key: Key) -> bool:
        if self._directory.changes != self._seen_changes:
            # A channel was made or changed, perhaps this one.
            self._seen_changes = self._directory.changes
            self._unknown.clear()
        return self._unknown.get(key, 0.0) > self._timer()

    def _remember(self, key: Key) -> None:
        if len(self._unknown) >= MAX_UNKNOWN:
            self._unknown.clear()
        self._unknown[key] = self._timer() + UNKNOWN_FOR_S
