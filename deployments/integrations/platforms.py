"""How our messages leave: one module per platform, and the table of them."""

from collections.abc import Callable, Mapping

import httpx

from actors.conversation.state import Source
from config.settings import Settings
from deployments.integrations.instagram.accounts import InstagramAccounts
from deployments.integrations.instagram.sending import InstagramGraph
from deployments.integrations.platform import LIMITS, Connector, Introducer, Platform
from deployments.integrations.telegram.sending import TelegramBots
from persistence.channels import ChannelKind

__all__ = [
    "CONNECTORS",
    "INTRODUCERS",
    "LIMITS",
    "PLATFORMS",
    "Connector",
    "InstagramAccounts",
    "InstagramGraph",
    "Introducer",
    "Platform",
    "TelegramBots",
]

#: The website is missing on purpose: what is stored for it is delivered.
PLATFORMS: Mapping[Source, Callable[[httpx.AsyncClient, Settings], Platform]] = {
    Source.INSTAGRAM: lambda client, settings: InstagramGraph(
        client, settings.instagram_graph_url
    ),
    Source.TELEGRAM: lambda client, settings: TelegramBots(
        client, settings.telegram_api_url
    ),
}
#: The website is missing on purpose: its page comes to us.
CONNECTORS: Mapping[ChannelKind, Callable[[httpx.AsyncClient, Settings], Connector]] = {
    ChannelKind.INSTAGRAM: lambda client, settings: InstagramAccounts(
        client, settings.instagram_graph_url
    ),
    ChannelKind.TELEGRAM: lambda client, settings: TelegramBots(
        client, settings.telegram_api_url
    ),
}
#: Telegram is missing on purpose: each of its messages says who wrote it.
INTRODUCERS: Mapping[Source, Callable[[httpx.AsyncClient, Settings], Introducer]] = {
    Source.INSTAGRAM: lambda client, settings: InstagramGraph(
        client, settings.instagram_graph_url
    ),
}
