"""Knows which channel an account belongs to, and forgets when it changes."""

import asyncio
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

from deployments.integrations.errors import DirectoryUnavailableError
from persistence.channels import (
    Channel,
    ChannelKind,
    fetch_channel,
    fetch_channel_by_account,
)
from persistence.database import Pool
from persistence.ids import ChannelId


@dataclass(frozen=True, slots=True)
class Account:
    """A channel's name on its platform; the website's is its public key."""

    kind: ChannelKind
    account_id: str


#: By what a channel is asked for: its account, or its own id.
Key: TypeAlias = Account | ChannelId


class ChannelDirectory:
    """Finds channels, from memory where it can.

    Only what exists is remembered: a channel that is made a moment after someone asked
    for it is found at once. A change is announced on `pilito_channels`; give `forget`
    to a Listener for it.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[Key, Channel] = {}
        self._asking: dict[Key, asyncio.Task[Channel | None]] = {}

    async def find(self, kind: ChannelKind, account_id: str) -> Channel | None:
        """Return the channel; None if nobody connected the account.

        Raises:
            DirectoryUnavailableError: the database does not answer.
        """
        if "\0" in account_id:
            return None  # PostgreSQL's text can't hold it: no account is called so.
        return await self._find(Account(kind, account_id))

    async def find_by_id(self, channel_id: ChannelId) -> Channel | None:
        """Return the channel; None if there is none of that id.

        Raises:
            DirectoryUnavailableError: the database does not answer.
        """
        return await self._find(channel_id)

    async def _find(self, key: Key) -> Channel | None:
        known = self._known.get(key)
        if known is not None:
            return known
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.create_task(self._ask(key))
            self._asking[key] = asking
        # Shielded: a caller that goes away must not take the others' answer along.
        return await asyncio.shield(asking)

    def forget(self, channel_id: str) -> None:
        """Drop what is known of a channel; of all of them when the id is empty."""
        self._known = {
            key: channel
            for key, channel in self._known.items()
            if channel_id and str(channel.id) != channel_id
        }
        # An answer that is under way may be from before the change: it is still given
        # to those who wait for it, but nobody else, and it is not remembered.
        self._asking.clear()

    async def _ask(self, key: Key) -> Channel | None:
        asking = asyncio.current_task()
        try:
            channel = await self._fetch(key)
        except (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            OSError,
            TimeoutError,
        ) as error:
            raise DirectoryUnavailableError from error
        finally:
            is_current = self._asking.get(key) is asking
            if is_current:
                del self._asking[key]
        if channel is not None and is_current:
            self._known[key] = channel
        return channel

    async def _fetch(self, key: Key) -> Channel | None:
        if isinstance(key, Account):
            return await fetch_channel_by_account(self._pool, key.kind, key.account_id)
        return await fetch_channel(self._pool, key)
