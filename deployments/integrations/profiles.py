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
from deployments.integrations.platform_client import LIMITS
from deployments.integrations.platforms import PROFILE_SOURCES, ProfileSource
from persistence.channels import decrypt_tokens, fetch_channel
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY, SecretUnreadableError
from persistence.ids import ChannelId
from persistence.secrets import Cipher

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
        pool: Pool,
        cipher: Cipher,
        settings: Settings,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._pool = pool
        self._cipher = cipher
        # Redirects are not followed: they would carry the token somewhere else.
        self._client = httpx.AsyncClient(timeout=timeout, limits=LIMITS)
        self._sources: dict[Source, ProfileSource] = {
            source: build(self._client, settings)
            for source, build in PROFILE_SOURCES.items()
        }
        self._accounts: dict[ChannelId, _Account] = {}
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
        profile_source = self._sources.get(who.source)
        if profile_source is None:
            return ProfileUnavailable(f"{who.source} is not asked", is_held=True)
        try:
            account = await self._find_account(who)
        except DATABASE_AWAY:
            return ProfileUnavailable("the database does not answer", is_held=True)
        if account.why_not:
            return ProfileUnavailable(account.why_not, is_held=True)
        answer = await profile_source.fetch_profile(account.token, who.customer)
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
        channel = await fetch_channel(self._pool, who.channel_id)
        if channel is None or channel.tenant_id != who.tenant_id:
            return "", "the channel does not exist any more"
        if channel.is_paused:
            # Nothing is sent through a paused channel, not even this request.
            return "", "the channel is paused"
        try:
            token = decrypt_tokens(self._cipher, channel).access_token
        except SecretUnreadableError as error:
            return "", str(error)
        return (token, "") if token else ("", "the channel has no access token")
