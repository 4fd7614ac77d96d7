"""How our messages leave: one module per platform, and the table of them."""

from collections.abc import Callable, Mapping

import httpx

from actors.conversation.state import Source
from config.settings import Settings
from deployments.platforms.instagram import InstagramGraph
from deployments.platforms.platform import LIMITS, Platform
from deployments.platforms.telegram import TelegramBots

__all__ = ["LIMITS", "PLATFORMS", "InstagramGraph", "Platform", "TelegramBots"]

#: The website is missing on purpose: what is stored for it is delivered.
PLATFORMS: Mapping[Source, Callable[[httpx.AsyncClient, Settings], Platform]] = {
    Source.INSTAGRAM: lambda client, settings: InstagramGraph(
        client, settings.instagram_graph_url
    ),
    Source.TELEGRAM: lambda client, settings: TelegramBots(
        client, settings.telegram_api_url
    ),
}
