"""Makes, changes and removes channels, and tells their platforms.

The database comes first and holds no lock while a platform is asked: a channel exists
before anything is delivered to it, and what came of the telling is noted after it.
"""

from dataclasses import replace

import httpx
import structlog

from config.settings import Settings
from deployments.integrations.addresses import build_webhook_path
from deployments.integrations.errors import (
    PlatformRefusedError,
    PlatformUnreachableError,
    TokenRefusedError,
)
from deployments.integrations.platforms import CONNECTORS
from persistence import channels
from persistence.channels import (
    Channel,
    ChannelEdit,
    ChannelKind,
    ChannelTokens,
    Link,
    LinkState,
    NewChannel,
)
from persistence.database import Pool
from persistence.errors import SecretUnreadableError
from persistence.ids import ChannelId, TenantId
from persistence.secrets import Cipher

#: Somebody waits for the answer, and nothing is lost when it says "unreachable".
TIMEOUT = httpx.Timeout(6.0, connect=3.0)
#: A platform is asked a few times in a channel's life: no link is kept open for it.
LIMITS = httpx.Limits(max_keepalive_connections=0)

log = structlog.get_logger("connections")


class Connections:
    """Keeps the channels in the database and what the platforms know in step."""

    def __init__(
        self,
        pool: Pool,
        cipher: Cipher,
        settings: Settings,
        *,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self._pool = pool
        self._cipher = cipher
        self._public_url = settings.public_url
        self._client = httpx.AsyncClient(timeout=timeout, limits=LIMITS)
        self._connectors = {
            kind: build(self._client, settings) for kind, build in CONNECTORS.items()
        }

    async def stop(self) -> None:
        """Close the connections to the platforms."""
        await self._client.aclose()

    async def create(self, tenant_id: TenantId, new: NewChannel) -> Channel:
        """Create a channel and have the platform deliver to it.

        Raises:
            TokenRefusedError: the platform does not know the token, or it is another
                account's; nothing was made.
            DuplicateRowError: the account is connected already.
        """
        token = new.tokens.access_token
        if token is not None and new.kind in self._connectors:
            # Nothing leaves through a paused channel, not even this question.
            found = (
                Link(LinkState.PAUSED)
                if new.is_paused
                else await self._prove(new.kind, new.account_id, token)
            )
            new = replace(new, link=found)
        async with self._pool.acquire() as connection, connection.transaction():
            channel = await channels.create_channel(
                connection, self._cipher, tenant_id, new
            )
        return await self._go_on(channel)

    async def edit(self, old: Channel, edit: ChannelEdit) -> Channel | None:
        """Change a channel; None if it is gone.

        Another token is proven first, and the one that a channel goes on with after its
        pause; another bot's old one is told to be silent.

        Raises:
            TokenRefusedError: the platform does not know the token, or it is another
                account's; nothing changed.
            DuplicateRowError: the new account is connected already.
        """
        is_paused = old.is_paused if edit.is_paused is None else edit.is_paused
        is_resumed = old.is_paused and not is_paused and old.kind in self._connectors
        found = None
        if edit.access_token is not None:
            account_id = edit.account_id or old.account_id
            found = (
                Link(LinkState.PAUSED)
                if is_paused
                else await self._prove(old.kind, account_id, edit.access_token)
            )
        elif is_resumed and not _has_state(old, LinkState.CONNECTED):
            # What was stored while it was paused was never proven.
            found = await self._prove_stored(old)
        edit = replace(edit, link=found)
        async with self._pool.acquire() as connection, connection.transaction():
            channel = await channels.edit_channel(
                connection, self._cipher, old.tenant_id, old.id, edit
            )
        if channel is None:
            return None
        if channel.account_id != old.account_id:
            await self._disconnect(old)
        return channel if found is None else await self._go_on(channel)

    async def connect(self, channel: Channel) -> Channel:
        """Prove the channel's token, tell the platform, note what came of it.

        Nothing leaves through a paused channel: its platform is asked when it goes on.
        """
        if channel.is_paused:
            if _has_state(channel, LinkState.CONNECTED):
                return channel
            return await self._note(channel, Link(LinkState.PAUSED))
        try:
            found = await self._prove_stored(channel)
        except TokenRefusedError as error:
            found = Link(LinkState.REFUSED, str(error))
        if found.state is LinkState.PENDING:
            found = await self._tell(channel)
        return await self._note(channel, found)

    async def _note(self, channel: Channel, found: Link) -> Channel:
        log.info(
            "channel_connection",
            channel_id=str(channel.id),
            state=found.state.value,
            note=found.note,
        )
        noted = await channels.record_link(
            self._pool, channel.tenant_id, channel.id, found
        )
        return noted or channel

    async def remove(self, tenant_id: TenantId, channel_id: ChannelId) -> bool:
        """Delete an unused channel; False if there is none.

        Raises:
            ChannelInUseError: it has conversations.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            channel = await channels.lock_channel(connection, tenant_id, channel_id)
            if channel is None:
                return False
            await channels.remove_channel(connection, tenant_id, channel_id)
        await self._disconnect(channel)
        return True

    async def _prove_stored(self, channel: Channel) -> Link:
        """Prove the token that a channel has; see `_prove`."""
        try:
            token = self._decrypt(channel).access_token or ""
        except SecretUnreadableError as error:
            return Link(LinkState.REFUSED, str(error))
        return await self._prove(channel.kind, channel.account_id, token)

    async def _prove(self, kind: ChannelKind, account_id: str, token: str) -> Link:
        """Ask whether a token is the account's: whoever has it may have its messages.

        Raises:
            TokenRefusedError: it is none, or another's.
        """
        try:
            owner = await self._connectors[kind].identify(token)
        except PlatformRefusedError as error:
            return Link(LinkState.REFUSED, str(error))
        except PlatformUnreachableError as error:
            return Link(LinkState.UNREACHABLE, str(error))
        if owner is not None and owner != account_id:
            message = f"account_id: the token belongs to another account, {owner}"
            raise TokenRefusedError(message)
        return Link(LinkState.PENDING)

    async def _go_on(self, channel: Channel) -> Channel:
        """Connect what was proven; where that failed, asking again would fail too."""
        if _has_state(channel, LinkState.PENDING):
            return await self._note(channel, await self._tell(channel))
        return channel

    def _decrypt(self, channel: Channel) -> ChannelTokens:
        return channels.decrypt_tokens(self._cipher, channel)

    async def _tell(self, channel: Channel) -> Link:
        connector = self._connectors[channel.kind]
        if self._public_url is None and connector.needs_address:
            return Link(LinkState.NO_PUBLIC_URL)
        try:
            tokens = self._decrypt(channel)
            await connector.connect(
                tokens.access_token or "",
                f"{self._public_url or ''}{build_webhook_path(channel)}",
                tokens.webhook_secret or "",
            )
        except (
            TokenRefusedError,
            PlatformRefusedError,
            SecretUnreadableError,
        ) as error:
            return Link(LinkState.REFUSED, str(error))
        except PlatformUnreachableError as error:
            return Link(LinkState.UNREACHABLE, str(error))
        return Link(LinkState.CONNECTED)

    async def _disconnect(self, channel: Channel) -> None:
        """Have nothing delivered to a channel that is gone, if that can be had.

        Otherwise the platform goes on for a while: what it delivers is counted as for
        an unknown account, and nothing is stored.
        """
        if not _has_state(channel, LinkState.CONNECTED, LinkState.PENDING):
            return
        try:
            token = self._decrypt(channel).access_token or ""
            await self._connectors[channel.kind].disconnect(token)
        except (
            TokenRefusedError,
            PlatformRefusedError,
            PlatformUnreachableError,
            SecretUnreadableError,
        ) as error:
            log.warning(
                "channel_left_connected", channel_id=str(channel.id), reason=str(error)
            )


def _has_state(channel: Channel, *states: LinkState) -> bool:
    return channel.link is not None and channel.link.state in states
