"""The platforms of the channels: their interface, and which class implements it."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

import httpx

from actors.conversation.ports import OutgoingPart
from config.settings import Settings
from deployments.integrations.instagram.sending import InstagramGraph
from deployments.integrations.telegram.sending import TelegramBots
from persistence.channels import Channel, ChannelKind


class Platform(Protocol):
    """A platform that takes our messages and subscribes our webhooks over its API."""

    #: Whether each channel's webhook address is sent to the platform. Without it a
    #: channel can be connected although PILITO_PUBLIC_URL is not set.
    needs_address: ClassVar[bool]

    async def post(self, token: str, part: OutgoingPart) -> str:
        """Post and return the platform's id of the message.

        Raises:
            SendRefusedError: the platform refused.
            SendOutcomeUnknownError: it did not answer; the text may have arrived.
        """
        ...

    async def identify(self, token: str) -> str | None:
        """Return the account of a token; None if the platform does not name it.

        Raises:
            TokenRefusedError: it does not know the token; the message names the field.
            PlatformRefusedError: it refused for another reason.
            PlatformUnreachableError: it could not be asked, or asks us to wait.
        """
        ...

    async def connect(self, token: str, address: str, secret: str) -> None:
        """Subscribe the webhook at `address`; for the errors see `identify`."""
        ...

    async def disconnect(self, token: str) -> None:
        """Cancel the subscription; for the errors see `identify`."""
        ...


def build_platforms(
    client: httpx.AsyncClient, settings: Settings
) -> Mapping[ChannelKind, Platform]:
    """Build the client of each platform.

    The website is missing on purpose: its page posts to us without a subscription, and
    an answer that is stored for it is delivered.
    """
    return {
        ChannelKind.INSTAGRAM: InstagramGraph(client, settings.instagram_graph_url),
        ChannelKind.TELEGRAM: TelegramBots(client, settings.telegram_api_url),
    }


def build_webhook_path(channel: Channel) -> str:
    """Return the path of a channel's webhook, below the runtime's public address."""
    return {
        ChannelKind.INSTAGRAM: "/webhooks/instagram/",
        ChannelKind.TELEGRAM: f"/webhooks/telegram/{channel.id}/",
        ChannelKind.WEBSITE: f"/webhooks/website/{channel.account_id}/messages/",
    }[channel.kind]
