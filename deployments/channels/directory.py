"""Knows which channel an account belongs to, and forgets when it changes."""

import asyncio
from dataclasses import dataclass

import asyncpg

from deployments.channels.errors import DirectoryUnavailableError
from persistence.channels import Channel, ChannelKind, fetch_channel_by_account
from persistence.database import Pool


@dataclass(frozen=True, slots=True)
class Account:
    """A channel's name on its platform; the website's is its public key."""

    kind: ChannelKind
    account_id: str


class ChannelDirectory:
    """Finds channels by account, from memory where it can.

    Only what exists is remembered: a channel that is made a moment after someone asked
    for it is found at once. A change is announced on `pilito_channels`; give `forget`
    to a Listener for it.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[Account, Channel] = {}
        self._asking: dict[Account, asyncio.Task[Channel | None]] = {}

    async def find(self, kind: ChannelKind, account_id: str) -> Channel | None:
        """Return the channel; None if nobody connected the account.

        Raises:
            DirectoryUnavailableError: the database does not answer.
        """
        if "\0" in account_id:
            return None  # PostgreSQL's text can't hold it: no account is called so.
        account = Account(kind, account_id)
        known = self._known.get(account)
        if known is not None:
            return known
        asking = self._asking.get(account)
        if asking is None:
            asking = asyncio.create_task(self._ask(account))
            self._asking[account] = asking
        # Shielded: a caller that goes away must not take the others' answer along.
        return await asyncio.shield(asking)

    def forget(self, channel_id: str) -> None:
        """Drop what is known of a channel; of all of them when the id is empty."""
        self._known = {
            account: channel
            for account, channel in self._known.items()
            if channel_id and str(channel.id) != channel_id
        }
        # An answer that is under way may be from before the change: it is still given
        # to those who wait for it, but nobody else, and it is not remembered.
        self._asking.clear()

    async def _ask(self, account: Account) -> Channel | None:
        asking = asyncio.current_task()
        try:
            channel = await fetch_channel_by_account(
                self._pool, account.kind, account.account_id
            )
        except (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            OSError,
            TimeoutError,
        ) as error:
            raise DirectoryUnavailableError from error
        finally:
            is_current = self._asking.get(account) is asking
            if is_current:
                del self._asking[account]
        if channel is not None and is_current:
            self._known[account] = channel
        return channel
