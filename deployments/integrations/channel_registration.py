"""Registration of channels: in the database, and at their platforms.

The database comes first and holds no lock while a platform is asked: a channel exists
before anything is delivered to it, and the platform's answer is recorded after it.

An account belongs to the tenant that proves it, by a token that the platform accepts
for the account (D-206). Without a proof the channel is a claim, and nothing about a
claim depends on other tenants.
"""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import httpx
import structlog

from actors.clock import Clock
from actors.conversation.client import Shards
from actors.conversation.events import ChannelResumed
from actors.errors import ActorError
from config.settings import Settings
from deployments.integrations.errors import (
    PlatformRefusedError,
    PlatformUnreachableError,
    TokenRefusedError,
)
from deployments.integrations.platforms import build_platforms, build_webhook_path
from persistence import channel_proofs, channels, database, errors, outbox, secrets
from persistence.channels import Channel, ChannelKind, Link, LinkState
from persistence.ids import ChannelId, ConversationId, EventId, TenantId

#: A person waits for the answer, and nothing is lost when it says "unreachable".
TIMEOUT = httpx.Timeout(6.0, connect=3.0)
#: A platform is asked a few times in a channel's life: no connection is kept for it.
LIMITS = httpx.Limits(max_keepalive_connections=0)
#: Conversations that are resumed at once; customers' messages come in between.
RESUME_PAGE = 200

MOVE_NEEDS_PROOF = (
    "bot_token: it belongs to another bot, which is verified only while the channel is"
    " not paused. End the pause with the same request, or first."
)
TOKEN_GONE = (
    "The platform no longer accepts the token of this channel; set a valid one."  # noqa: S105 - a message
)

_REFUSALS = (TokenRefusedError, PlatformRefusedError, errors.SecretUnreadableError)
_TRY_LATER: tuple[type[Exception], ...] = (ActorError, *errors.DATABASE_AWAY)

log = structlog.get_logger("channel_registration")


class ChannelRegistration:
    """Creates, changes and removes channels in the database and at their platforms."""

    def __init__(
        self,
        pool: database.Pool,
        cipher: secrets.Cipher,
        settings: Settings,
        *,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self._pool = pool
        self._cipher = cipher
        self._public_url = settings.public_url
        self._client = httpx.AsyncClient(timeout=timeout, limits=LIMITS)
        self.platforms = build_platforms(self._client, settings)

    async def stop(self) -> None:
        """Close the connections to the platforms."""
        await self._client.aclose()

    async def create(self, tenant_id: TenantId, new: channels.NewChannel) -> Channel:
        """Create a channel and have the platform deliver to it.

        Raises:
            TokenRefusedError: the platform does not know the token, or it is another
                account's; nothing was made.
            DuplicateRowError: the tenant has a channel of this account.
            AccountElsewhereError: the account is proven by this token, and another
                tenant's channel by one that the platform accepts as well.
        """
        token, rival = new.tokens.access_token, None
        if token is not None and new.kind in self.platforms:
            link = await self._verify(
                new.kind, new.account_id, token, is_paused=new.is_paused
            )
            new = replace(new, link=link, is_proven=_is_proof(link))
            if new.is_proven:
                rival = await self._find_rival(tenant_id, new.kind, new.account_id)
        async with self._pool.acquire() as connection, connection.transaction():
            await _dethrone(connection, rival)
            channel = await channels.create_channel(
                connection, self._cipher, tenant_id, new
            )
        return await self._subscribe_verified(channel)

    async def edit(self, old: Channel, edit: channels.ChannelEdit) -> Channel | None:
        """Change a channel; None if it is gone.

        A new token is verified first, and a stored one when the channel's pause ends.
        A channel moves to another account only when the token proves that one. A bot
        that another one replaces is unsubscribed.

        Raises:
            TokenRefusedError: the platform does not know the token, it is another
                account's, or can't be verified during a pause; nothing changed.
            PlatformRefusedError: it did not say that the new account is the token's.
            PlatformUnreachableError: it could not be asked whose the new account is.
            DuplicateRowError: the tenant has a channel of the new account.
            AccountElsewhereError: another tenant has proven the account, too.
        """
        is_paused = old.is_paused if edit.is_paused is None else edit.is_paused
        is_resumed = old.is_paused and not is_paused and old.kind in self.platforms
        account_id, link, rival = edit.account_id or old.account_id, None, None
        if edit.access_token is not None:
            link = await self._verify(
                old.kind, account_id, edit.access_token, is_paused=is_paused
            )
            if account_id != old.account_id:
                _require_proof(link)
        elif is_resumed and not _has_state(old, LinkState.CONNECTED):
            # A token that was stored during the pause was never verified.
            link = await self._verify_stored(old)
        edit = replace(edit, link=link, is_proven=_is_proof(link))
        if edit.is_proven:
            rival = await self._find_rival(old.tenant_id, old.kind, account_id)
        async with self._pool.acquire() as connection, connection.transaction():
            await _dethrone(connection, rival)
            channel = await channels.edit_channel(
                connection, self._cipher, old.tenant_id, old.id, edit
            )
        if channel is None:
            return None
        if channel.account_id != old.account_id:
            await self._disconnect(old)
        return channel if link is None else await self._subscribe_verified(channel)

    async def connect(self, channel: Channel) -> Channel:
        """Verify the channel's token, subscribe its webhook and record the result.

        Nothing is sent through a paused channel: its platform is asked after the pause.

        Raises:
            AccountElsewhereError: another tenant has proven the account, too.
        """
        if channel.is_paused:
            if _has_state(channel, LinkState.CONNECTED):
                return channel
            return await self._record(channel, Link(LinkState.PAUSED))
        try:
            link = await self._verify_stored(channel)
        except TokenRefusedError as error:
            link = Link(LinkState.REFUSED, str(error))
        if _is_proof(link):
            if not await self._prove(channel):
                # Disconnected, or given another token, while the platform was asked.
                return await self._fetch_present(channel)
            link = await self._subscribe(channel)
        return await self._record(channel, link)

    async def _prove(self, channel: Channel) -> bool:
        """Record that the channel's account is its tenant's; False if it has changed.

        Raises like `connect`.
        """
        rival = await self._find_rival(
            channel.tenant_id, channel.kind, channel.account_id
        )
        async with self._pool.acquire() as connection, connection.transaction():
            await _dethrone(connection, rival)
            proven = await channel_proofs.record_proof(connection, channel)
        return proven is not None

    async def _fetch_present(self, channel: Channel) -> Channel:
        present = await channels.fetch_tenant_channel(
            self._pool, channel.tenant_id, channel.id
        )
        return present or channel

    async def _find_rival(
        self, tenant_id: TenantId, kind: ChannelKind, account_id: str
    ) -> Channel | None:
        """Find another tenant's proof that no longer holds, for who has proven anew.

        Raises:
            AccountElsewhereError: it still holds, or nobody can say that it does not.
        """
        rival = await channels.fetch_channel_by_account(self._pool, kind, account_id)
        if rival is None or rival.tenant_id == tenant_id:
            return None
        try:
            token = self._decrypt(rival).access_token or ""
            owner = await self.platforms[kind].identify(token) if token else ""
        except (TokenRefusedError, errors.SecretUnreadableError):
            return rival
        except (PlatformRefusedError, PlatformUnreachableError) as error:
            raise channels.AccountElsewhereError from error
        if owner is None or owner == account_id:
            raise channels.AccountElsewhereError
        return rival

    async def _record(self, channel: Channel, link: Link) -> Channel:
        log.info(
            "channel_connection",
            channel_id=str(channel.id),
            state=link.state.value,
            note=link.note,
        )
        recorded = await channels.record_link(
            self._pool, channel.tenant_id, channel.id, link
        )
        return recorded or channel

    async def disconnect(self, channel: Channel) -> Channel | None:
        """Forget a channel's token, and have its platform deliver no more.

        None if the channel is gone. Its conversations stay.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            forgotten = await channels.forget_token(
                connection, channel.tenant_id, channel.id
            )
        if forgotten is not None and channel.access_token is not None:
            await self._disconnect(channel)
        return forgotten

    async def remove(self, tenant_id: TenantId, channel_id: ChannelId) -> bool:
        """Delete an unused channel; False if there is none.

        Raises:
            ChannelInUseError: it has conversations.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            channel = await channels.remove_channel(connection, tenant_id, channel_id)
        if channel is None:
            return False
        await self._disconnect(channel)
        return True

    async def _verify_stored(self, channel: Channel) -> Link:
        """Verify the token that a channel has; see `_verify`."""
        try:
            token = self._decrypt(channel).access_token or ""
        except errors.SecretUnreadableError as error:
            return Link(LinkState.REFUSED, str(error))
        return await self._verify(channel.kind, channel.account_id, token)

    async def _verify(
        self, kind: ChannelKind, account_id: str, token: str, *, is_paused: bool = False
    ) -> Link:
        """Ask the platform whether a token is the account's own.

        The token proves that its owner may read the account's messages. Nothing is sent
        through a paused channel, not even this request.

        Raises:
            TokenRefusedError: the platform does not know it, or it is another's.
        """
        if is_paused:
            return Link(LinkState.PAUSED)
        try:
            owner = await self.platforms[kind].identify(token)
        except PlatformRefusedError as error:
            return Link(LinkState.REFUSED, str(error))
        except PlatformUnreachableError as error:
            return Link(LinkState.UNREACHABLE, str(error))
        if owner is not None and owner != account_id:
            message = f"account_id: the token belongs to another account, {owner}"
            raise TokenRefusedError(message)
        return Link(LinkState.UNPROVEN if owner is None else LinkState.PENDING)

    async def _subscribe_verified(self, channel: Channel) -> Channel:
        """Subscribe the webhook if the token was verified; else leave the channel."""
        if _has_state(channel, LinkState.PENDING):
            return await self._record(channel, await self._subscribe(channel))
        return channel

    def _decrypt(self, channel: Channel) -> channels.ChannelTokens:
        return channels.decrypt_tokens(self._cipher, channel)

    async def _subscribe(self, channel: Channel) -> Link:
        platform = self.platforms[channel.kind]
        if self._public_url is None and platform.needs_address:
            return Link(LinkState.NO_PUBLIC_URL)
        try:
            tokens = self._decrypt(channel)
            await platform.connect(
                tokens.access_token or "",
                f"{self._public_url or ''}{build_webhook_path(channel)}",
                tokens.webhook_secret or "",
            )
        except _REFUSALS as error:
            return Link(LinkState.REFUSED, str(error))
        except PlatformUnreachableError as error:
            return Link(LinkState.UNREACHABLE, str(error))
        return Link(LinkState.CONNECTED)

    async def _disconnect(self, channel: Channel) -> None:
        """Unsubscribe the webhook of a channel that is gone, if the platform allows it.

        Otherwise it goes on delivering: that is counted as an unknown account's, and
        nothing is stored.
        """
        if not _has_state(channel, LinkState.CONNECTED, LinkState.PENDING):
            return
        try:
            token = self._decrypt(channel).access_token or ""
            await self.platforms[channel.kind].disconnect(token)
        except (*_REFUSALS, PlatformUnreachableError) as error:
            log.warning(
                "channel_left_connected", channel_id=str(channel.id), reason=str(error)
            )


def _is_proof(link: Link | None) -> bool:
    """Whether the platform has named the account as the token's."""
    return link is not None and link.state is LinkState.PENDING


def _require_proof(link: Link) -> None:
    """Refuse to move a channel to an account that its token does not prove."""
    match link.state:
        case LinkState.PENDING:
            return
        case LinkState.PAUSED:
            raise TokenRefusedError(MOVE_NEEDS_PROOF)
        case LinkState.UNREACHABLE:
            raise PlatformUnreachableError
        case _:
            raise PlatformRefusedError(link.note)


async def _dethrone(db: database.Connection, rival: Channel | None) -> None:
    """Withdraw a proof that no longer holds, before another one is recorded.

    If its token was replaced meanwhile, the proof stays, and the unique key refuses the
    other one.
    """
    if rival is not None and await channel_proofs.withdraw_proof(db, rival, TOKEN_GONE):
        log.warning("channel_proof_withdrawn", channel_id=str(rival.id))


def _has_state(channel: Channel, *states: LinkState) -> bool:
    return channel.link is not None and channel.link.state in states


async def resume_waiting(
    pool: database.Pool, shards: Shards, clock: Clock, channel: Channel
) -> None:
    """Resume the conversations whose messages wait for the end of the channel's pause.

    Never raises. Nothing is lost when it fails: each conversation tries again some
    minutes later.
    """
    resumed, after = 0, ConversationId(UUID(int=0))
    try:
        while waiting := await outbox.fetch_waiting_conversations(
            pool, channel.tenant_id, channel.id, after=after, limit=RESUME_PAGE
        ):
            await asyncio.gather(
                *(_resume(shards, clock, conversation) for conversation in waiting)
            )
            resumed, after = resumed + len(waiting), waiting[-1]
    except _TRY_LATER as error:
        log.warning(
            "channel_resume_incomplete",
            channel_id=str(channel.id),
            conversations=resumed,
            reason=repr(error),
        )
    except Exception:
        log.exception("channel_resume_failed", channel_id=str(channel.id))
    else:
        log.info("channel_resumed", channel_id=str(channel.id), conversations=resumed)


async def _resume(shards: Shards, clock: Clock, conversation: ConversationId) -> None:
    await shards.submit(
        ChannelResumed(
            id=EventId(uuid4()), conversation_id=conversation, at=clock.now()
        )
    )
