"""Sends alerts to a Telegram chat, by one of the tenant's own bots."""

from collections.abc import Mapping
from uuid import UUID

import httpx

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError
from actors.conversation.ports import OutgoingPart
from actors.conversation.state import Source
from actors.monitor.alert_dispatcher import AlertRefusedError
from deployments.integrations.telegram.sending import TelegramBots
from persistence.alerts import PendingDelivery
from persistence.channels import ChannelKind, decrypt_tokens, fetch_tenant_channel
from persistence.database import Pool
from persistence.ids import ChannelId, SendId
from persistence.secrets import Cipher


class TelegramNotifier:
    """Sends as the bot of one of the tenant's channels."""

    def __init__(
        self, client: httpx.AsyncClient, api_url: str, pool: Pool, cipher: Cipher
    ) -> None:
        self._bots = TelegramBots(client, api_url)
        self._pool = pool
        self._cipher = cipher

    async def send(
        self, pending: PendingDelivery, target: Mapping[str, object]
    ) -> None:
        """Send the message; see Notifier.send."""
        channel_id = ChannelId(UUID(str(target["channel_id"])))
        tenant_id = pending.alert.tenant_id
        channel = await fetch_tenant_channel(self._pool, tenant_id, channel_id)
        if channel is None or channel.kind is not ChannelKind.TELEGRAM:
            text = "the bot's channel does not exist any more"
            raise AlertRefusedError(text, permanent=True)
        part = OutgoingPart(
            send_id=SendId(pending.alert.id),
            tenant_id=tenant_id,
            channel_id=channel_id,
            source=Source.TELEGRAM,
            customer=str(target["chat_id"]),
            content=pending.alert.text,
        )
        token = decrypt_tokens(self._cipher, channel).access_token or ""
        try:
            await self._bots.post(token, part)
        except SendRefusedError as error:
            raise AlertRefusedError(str(error), permanent=error.permanent) from error
        except SendOutcomeUnknownError as error:
            # It may have arrived; a second copy is better than no alert.
            raise AlertRefusedError(str(error)) from error
