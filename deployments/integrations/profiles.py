"""Asks a customer's platform who it is, through the channel that it writes on."""

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
from deployments.integrations.platforms import INTRODUCERS, LIMITS, Introducer
from persistence.channels import decrypt_tokens, fetch_channel
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY, SecretUnreadableError
from persistence.ids import ChannelId
from persistence.secrets import Cipher

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
#: A channel that was paused, or given another token, is read anew after this.
REMEMBERED = timedelta(seconds=30)
#: An account that asks too much, or whose token is refused, asks nothing for so long.
QUIET = timedelta(minutes=10)

log = structlog.get_logger("profiles")


@dataclass(frozen=True, slots=True)
class _Account:
    """How a channel is asked, or why not, until it is read anew."""

    token: str
    why_not: str
    until: float


class ChannelProfiles:
    """Knows how each channel is asked, and leaves those alone that must not be."""

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
        self._introducers: dict[Source, Introducer] = {
            source: build(self._client, settings)
            for source, build in INTRODUCERS.items()
        }
        self._accounts: dict[ChannelId, _Account] = {}
        self._clock = clock or asyncio.get_running_loop().time

    async def stop(self) -> None:
        """Close the connections to the platforms."""
        await self._client.aclose()

    async def look_up(self, who: CustomerRef) -> Profile | ProfileUnavailable:
        """Ask the platform who the customer is."""
        found = await self._look_up(who)
        if isinstance(found, Profile):
            PROFILE_LOOKUPS.labels("found").inc()
            return found
        PROFILE_LOOKUPS.labels("held" if found.is_held else "missed").inc()
        if not found.is_held:
            log.info(
                "profile_missed", channel_id=str(who.channel_id), reason=found.reason
            )
        return found

    async def _look_up(self, who: CustomerRef) -> Profile | ProfileUnavailable:
        introducer = self._introducers.get(who.source)
        if introducer is None:
            return ProfileUnavailable(f"{who.source} is not asked", is_held=True)
        try:
            account = await self._find_account(who)
        except DATABASE_AWAY:
            return ProfileUnavailable("the database does not answer", is_held=True)
        if account.why_not:
            return ProfileUnavailable(account.why_not, is_held=True)
        answer = await introducer.introduce(account.token, who.customer)
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
        """Return the channel's token, or why it must not be asked."""
        channel = await fetch_channel(self._pool, who.channel_id)
        if channel is None or channel.tenant_id != who.tenant_id:
            return "", "the channel does not exist any more"
        if channel.is_paused:
            # Nothing leaves the machine through it, not even a question.
            return "", "the channel is paused"
        try:
            token = decrypt_tokens(self._cipher, channel).access_token
        except SecretUnreadableError as error:
            return "", str(error)
        return (token, "") if token else ("", "the channel has no access token")
