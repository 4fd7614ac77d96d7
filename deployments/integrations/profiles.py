"""Profiles of customers, asked from their platforms with the channel's token."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import httpx
import structlog

from actors.conversation.ports import CustomerRef, ProfileUnavailable
from actors.conversation.state import Profile, Source
from config.metrics import PROFILE_LOOKUPS
from config.settings import Settings
from deployments.integrations.instagram.sending import InstagramGraph
from deployments.integrations.platform_client import LIMITS
from persistence import channels, database, errors, ids, secrets

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
#: A channel's pause or new token takes effect after this.
REMEMBERED = timedelta(seconds=30)
#: Pause of all lookups of a channel after a rate limit or a refused token.
QUIET = timedelta(minutes=10)

log = structlog.get_logger("profiles")


@dataclass(frozen=True, slots=True)
class _Account:
    """A channel's token, or the reason not to use it, until a point in time."""

    token: str
    why_not: str
    until: float


class ChannelProfiles:
    """Looks profiles up, and pauses the lookups of channels that were refused."""

    def __init__(
        self,
        pool: database.Pool,
        cipher: secrets.Cipher,
        settings: Settings,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._pool = pool
        self._cipher = cipher
        # Redirects are not followed: they would carry the token somewhere else.
        self._client = httpx.AsyncClient(timeout=timeout, limits=LIMITS)
        # Telegram is missing on purpose: each of its messages says who wrote it.
        self._graph = InstagramGraph(self._client, settings.instagram_graph_url)
        self._accounts: dict[ids.ChannelId, _Account] = {}
        self._clock = clock or asyncio.get_running_loop().time

    async def stop(self) -> None:
        """Close the connections to the platforms."""
        await self._client.aclose()

    async def look_up(self, who: CustomerRef) -> Profile | ProfileUnavailable:
        """Ask the platform for a customer's profile."""
        answer = await self._look_up(who)
        if isinstance(answer, Profile):
            PROFILE_LOOKUPS.labels("found").inc()
            return answer
        PROFILE_LOOKUPS.labels("held" if answer.is_held else "missed").inc()
        if not answer.is_held:
            log.info(
                "profile_missed", channel_id=str(who.channel_id), reason=answer.reason
            )
        return answer

    async def _look_up(self, who: CustomerRef) -> Profile | ProfileUnavailable:
        if who.source is not Source.INSTAGRAM:
            return ProfileUnavailable(f"{who.source} is not asked", is_held=True)
        try:
            account = await self._find_account(who)
        except errors.DATABASE_AWAY:
            return ProfileUnavailable("the database does not answer", is_held=True)
        if account.why_not:
            return ProfileUnavailable(account.why_not, is_held=True)
        answer = await self._graph.fetch_profile(account.token, who.customer)
        if isinstance(answer, ProfileUnavailable) and answer.is_held:
            # The next customer of this channel would be refused for the same reason.
            until = self._clock() + QUIET.total_seconds()
            self._accounts[who.channel_id] = _Account("", answer.reason, until)
            log.warning(
                "profiles_held", channel_id=str(who.channel_id), reason=answer.reason
            )
        return answer

    async def _find_account(self, who: CustomerRef) -> _Account:
        known = self._accounts.get(who.channel_id)
        now = self._clock()
        if known is not None and now < known.until:
            return known
        token, why_not = await self._read_channel(who)
        account = _Account(token, why_not, now + REMEMBERED.total_seconds())
        self._accounts[who.channel_id] = account
        return account

    async def _read_channel(self, who: CustomerRef) -> tuple[str, str]:
        """Return the channel's token, or the reason not to use it."""
        channel = await channels.fetch_channel(self._pool, who.channel_id)
        if channel is None or channel.tenant_id != who.tenant_id:
            return "", "the channel does not exist any more"
        if channel.is_paused:
            # Nothing is sent through a paused channel, not even this request.
            return "", "the channel is paused"
        try:
            token = channels.decrypt_tokens(self._cipher, channel).access_token
        except errors.SecretUnreadableError as error:
            return "", str(error)
        return (token, "") if token else ("", "the channel has no access token")
