"""Sends notices to a chat on Telegram, by one of the tenant's own bots."""

from collections.abc import Mapping
from uuid import UUID

import httpx

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError
from actors.conversation.ports import OutgoingPart
from actors.conversation.state import Source
from actors.monitor.ports import NoticeRefusedError
from deployments.integrations.telegram.sending import TelegramBots
from persistence.alerts import Errand
from persistence.channels import ChannelKind, decrypt_tokens, fetch_tenant_channel
from persistence.database import Pool
from persistence.ids import ChannelId, SendId
from persistence.secrets import Cipher


class TelegramWay:
    """Sends as a bot that is one of the tenant's channels."""

    def __init__(
        self, client: httpx.AsyncClient, api_url: str, pool: Pool, cipher: Cipher
    ) -> None:
        self._bots = TelegramBots(client, api_url)
        self._pool = pool
        self._cipher = cipher

    async def carry(self, errand: Errand, target: Mapping[str, object]) -> None:
        """Send the message; see Way.carry."""
        channel_id = ChannelId(UUID(str(target["channel_id"])))
        tenant_id = errand.alert.tenant_id
        channel = await fetch_tenant_channel(self._pool, tenant_id, channel_id)
        if channel is None or channel.kind is not ChannelKind.TELEGRAM:
            text = "the channel of the bot does not exist any more"
            raise NoticeRefusedError(text, permanent=True)
        part = OutgoingPart(
            send_id=SendId(errand.alert.id),
            tenant_id=tenant_id,
            channel_id=channel_id,
            source=Source.TELEGRAM,
            customer=str(target["chat_id"]),
            content=errand.alert.text,
        )
        token = decrypt_tokens(self._cipher, channel).access_token or ""
        try:
            await self._bots.post(token, part)
        except SendRefusedError as error:
            raise NoticeRefusedError(str(error), permanent=error.permanent) from error
        except SendOutcomeUnknownError as error:
            # It may have arrived; twice is better than a shop that nobody told.
            raise NoticeRefusedError(str(error)) from error
