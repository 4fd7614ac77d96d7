"""The platforms of the channels: their interfaces, and which class implements each."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol

import httpx

from actors.conversation.ports import OutgoingPart, ProfileUnavailable
from actors.conversation.state import Profile, Source
from config.settings import Settings
from deployments.integrations.instagram.accounts import InstagramAccounts
from deployments.integrations.instagram.sending import InstagramGraph
from deployments.integrations.telegram.sending import TelegramBots
from persistence.channels import Channel, ChannelKind


class Platform(Protocol):
    """A platform that takes our messages over its API."""

    async def post(self, token: str, part: OutgoingPart) -> str:
        """Post and return the platform's id of the message.

        Raises:
            SendRefusedError: the platform refused.
            SendOutcomeUnknownError: it did not answer; the text may have arrived.
        """
        ...


class ProfileSource(Protocol):
    """A platform that names a customer only when it is asked."""

    async def fetch_profile(
        self, token: str, customer: str
    ) -> Profile | ProfileUnavailable:
        """Ask once; `is_held` if no customer of the channel should be asked for now.

        Never raises for an answer of the platform, or for none.
        """
        ...


class Connector(Protocol):
    """A platform whose webhooks are subscribed to over its API."""

    #: Whether each channel's webhook address is sent to the platform. Without it a
    #: channel can be connected although PILITO_PUBLIC_URL is not set.
    needs_address: ClassVar[bool]

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


#: The website is missing on purpose: what is stored for it is delivered.
PLATFORMS: Mapping[Source, Callable[[httpx.AsyncClient, Settings], Platform]] = {
    Source.INSTAGRAM: lambda client, settings: InstagramGraph(
        client, settings.instagram_graph_url
    ),
    Source.TELEGRAM: lambda client, settings: TelegramBots(
        client, settings.telegram_api_url
    ),
}
#: The website is missing on purpose: its page posts to us without a subscription.
CONNECTORS: Mapping[ChannelKind, Callable[[httpx.AsyncClient, Settings], Connector]] = {
    ChannelKind.INSTAGRAM: lambda client, settings: InstagramAccounts(
        client, settings.instagram_graph_url
    ),
    ChannelKind.TELEGRAM: lambda client, settings: TelegramBots(
        client, settings.telegram_api_url
    ),
}
#: Telegram is missing on purpose: each of its messages says who wrote it.
PROFILE_SOURCES: Mapping[
    Source, Callable[[httpx.AsyncClient, Settings], ProfileSource]
] = {
    Source.INSTAGRAM: lambda client, settings: InstagramGraph(
        client, settings.instagram_graph_url
    ),
}


def build_webhook_path(channel: Channel) -> str:
    """Return the path of a channel's webhook, below the runtime's public address."""
    return {
        ChannelKind.INSTAGRAM: "/webhooks/instagram/",
        ChannelKind.TELEGRAM: f"/webhooks/telegram/{channel.id}/",
        ChannelKind.WEBSITE: f"/webhooks/website/{channel.account_id}/messages/",
    }[channel.kind]
