"""Sends message parts through the channel's platform, and counts the outcomes."""

import httpx
import structlog

from actors.conversation.errors import SendRefusedError
from actors.conversation.ports import OutgoingPart
from actors.conversation.state import Source
from config.metrics import SENDS
from config.settings import Settings
from deployments.integrations.platform_client import LIMITS
from deployments.integrations.platforms import PLATFORMS, Platform
from persistence.channels import decrypt_tokens, fetch_channel
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY, SecretUnreadableError
from persistence.secrets import Cipher
from persistence.self_link import is_platform_away

TIMEOUT = httpx.Timeout(20.0, connect=5.0)
#: Reason of a refusal that is ours, not the platform's.
PAUSED = "the channel is paused"
#: Short at first: the pause may end at any moment.
PAUSED_RETRY_S = 5.0
#: Reason for a channel whose platform is down according to the monitor.
PLATFORM_AWAY = "the platform is down; the message waits for it"
PLATFORM_AWAY_RETRY_S = 15.0

log = structlog.get_logger("sender")


class ChannelSender:
    """Finds the channel's token and platform, and sends."""

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
        # Redirects are not followed: they would carry the token somewhere else.
        self._client = httpx.AsyncClient(timeout=timeout, limits=LIMITS)
        self._platforms: dict[Source, Platform] = {
            source: build(self._client, settings) for source, build in PLATFORMS.items()
        }

    async def stop(self) -> None:
        """Close the connections to the platforms."""
        await self._client.aclose()

    async def send(self, part: OutgoingPart) -> str:
        """Send the part and return the platform's id for it.

        Raises:
            SendRefusedError: the platform refused, or could not be reached; with the
                reason PAUSED nothing may be sent through this channel now.
            SendOutcomeUnknownError: it did not answer; the part may have arrived.
        """
        outcome = "unknown"
        try:
            mid = await self._send(part)
            outcome = "sent"
        except SendRefusedError as error:
            outcome = "refused" if error.permanent else "put_off"
            log.warning(
                "send_refused",
                send_id=str(part.send_id),
                channel_id=str(part.channel_id),
                reason=str(error),
                permanent=error.permanent,
            )
            raise
        finally:
            SENDS.labels(part.source.value, outcome).inc()
        return mid

    async def _send(self, part: OutgoingPart) -> str:
        platform = self._platforms.get(part.source)
        if platform is None:
            message = f"nothing is sent through {part.source}"
            raise SendRefusedError(message, permanent=True)
        # Read for each part: a channel that was just paused sends no more.
        try:
            channel = await fetch_channel(self._pool, part.channel_id)
            is_away = await is_platform_away(self._pool, part.channel_id)
        except DATABASE_AWAY as error:
            message = "the database does not answer"
            raise SendRefusedError(message) from error
        if (
            channel is None
            or channel.tenant_id != part.tenant_id
            or channel.kind.value != part.source.value
        ):
            message = "the channel does not exist any more"
            raise SendRefusedError(message, permanent=True)
        if channel.is_paused:
            raise SendRefusedError(PAUSED, retry_after_s=PAUSED_RETRY_S, is_held=True)
        if is_away:
            raise SendRefusedError(
                PLATFORM_AWAY, retry_after_s=PLATFORM_AWAY_RETRY_S, is_held=True
            )
        try:
            token = decrypt_tokens(self._cipher, channel).access_token
        except SecretUnreadableError as error:
            raise SendRefusedError(str(error), permanent=True) from error
        if not token:
            message = "the channel has no access token"
            raise SendRefusedError(message, permanent=True)
        return await platform.post(token, part)
