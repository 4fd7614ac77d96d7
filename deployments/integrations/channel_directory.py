"""Directory of the channels by account, kept in memory until a channel changes."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TypeAlias

from actors.tasks import SingleFlight
from deployments.integrations.errors import DirectoryUnavailableError
from persistence import channels, database, errors, ids


@dataclass(frozen=True, slots=True)
class Account:
    """A channel's name on its platform; the website's is its public key."""

    kind: channels.ChannelKind
    account_id: str


#: How a channel is looked up: by its account, or by its own id.
Key: TypeAlias = Account | ids.ChannelId


class ChannelDirectory:
    """Finds channels, from memory where it can.

    Only channels that exist are remembered: one that is created a moment after it was
    looked up is found at once. A change is announced on `pilito_channels`; give
    `forget` to a Listener for it.
    """

    def __init__(self, pool: database.Pool) -> None:
        #: For those who look up more of a channel than its row.
        self.pool = pool
        self._known: dict[Key, channels.Channel] = {}
        self._lookups: SingleFlight[Key, channels.Channel | None] = SingleFlight()
        #: Moves with each announced change.
        self.changes = 0

    async def find(
        self, kind: channels.ChannelKind, account_id: str
    ) -> channels.Channel | None:
        """Return the channel; None if nobody connected the account.

        Raises:
            DirectoryUnavailableError: the database does not answer.
        """
        if "\0" in account_id:
            return None  # PostgreSQL's text can't hold it: no account is called so.
        return await self.look_up(self.build_key(kind, account_id))

    async def find_by_id(self, channel_id: ids.ChannelId) -> channels.Channel | None:
        """Return the channel; None if there is none of that id.

        Raises:
            DirectoryUnavailableError: the database does not answer.
        """
        return await self.look_up(channel_id)

    def forget(self, channel_id: str) -> None:
        """Drop what is known of a channel; of all of them when the id is empty."""
        self._known = {
            key: channel
            for key, channel in self._known.items()
            if channel_id and str(channel.id) != channel_id
        }
        # A lookup that is under way may have read the channel before the change: its
        # callers still get the answer, but no later ones, and it is not remembered.
        self.changes += 1
        self._lookups.forget_all()

    @staticmethod
    def build_key(kind: channels.ChannelKind, account_id: str) -> Key:
        """Build the key of an account."""
        return Account(kind, account_id)

    def recall(self, key: Key) -> channels.Channel | None:
        """Return a channel from memory alone."""
        return self._known.get(key)

    async def look_up(self, key: Key) -> channels.Channel | None:
        """Return the channel of a key; see `find`."""
        known = self._known.get(key)
        if known is not None:
            return known
        changes = self.changes
        return await self._lookups.run(key, lambda: self._look_up(key, changes))

    async def _look_up(self, key: Key, changes: int) -> channels.Channel | None:
        try:
            channel = await self._fetch(key)
        except errors.DATABASE_AWAY as error:
            raise DirectoryUnavailableError from error
        if channel is not None and changes == self.changes:
            self._known[key] = channel
        return channel

    def _fetch(self, key: Key) -> Coroutine[None, None, channels.Channel | None]:
        if isinstance(key, Account):
            return channels.fetch_channel_by_account(
                self.pool, key.kind, key.account_id
            )
        return channels.fetch_channel(self.pool, key)
