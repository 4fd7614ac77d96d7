"""The application and the process of the webhooks: a route per channel."""

from contextlib import AsyncExitStack

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from actors.clock import Clock, SystemClock
from actors.conversation.client import ShardClient, Shards
from config.logging import setup_logging
from config.settings import Settings, load_settings
from deployments.errors import install_error_handlers
from deployments.http.addresses import ClientAddresses
from deployments.http.security_headers import SecurityHeaders
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.channel_lookup import ChannelLookup
from deployments.integrations.instagram.webhook import InstagramWebhook
from deployments.integrations.telegram.webhook import TelegramWebhook
from deployments.integrations.website.visitors import Visitors, build_signer
from deployments.integrations.website.webhook import WebsiteWebhook
from deployments.rate_limit import VisitorRateLimiter
from deployments.wiring import get_cipher, get_dsn, open_owned_pool
from persistence.listener import Listener
from persistence.secrets import Cipher


def build_webhooks_app(
    settings: Settings,
    shards: Shards,
    directory: ChannelDirectory,
    clock: Clock,
    rate_limiter: VisitorRateLimiter | None = None,
    cipher: Cipher | None = None,
    visitors: Visitors | None = None,
) -> Starlette:
    """Build the app; `directory.forget` must hear `pilito_channels`.

    Its routes answer below `/webhooks` and at the top: Serve strips the prefix that it
    is mounted at, another server does not. Without a `rate_limiter` visitors are
    counted in the Redis of the settings; without a `cipher`, which reads the channels'
    own secrets, every update of Telegram is refused. `visitors` verifies the visitors
    of websites, by the key of the settings unless it is given.
    """
    rate_limiter = rate_limiter or VisitorRateLimiter.from_settings(settings, clock)
    instagram = InstagramWebhook(settings, shards, directory, clock)
    addresses = ClientAddresses.build(settings.trusted_proxies)
    visitors = visitors or Visitors(build_signer(settings), cipher, rate_limiter)
    lookup = ChannelLookup(directory, rate_limiter)
    telegram = TelegramWebhook(shards, lookup, addresses, clock, cipher)
    website = WebsiteWebhook(
        shards,
        directory,
        rate_limiter,
        clock,
        addresses,
        visitors,
    )
    routes: list[BaseRoute] = [
        Route("/instagram/", instagram.receive, methods=["POST"]),
        Route("/instagram/", instagram.verify, methods=["GET"]),
        Route("/telegram/{channel_id:uuid}/", telegram.receive, methods=["POST"]),
        *_build_website_routes(website),
    ]
    app = Starlette(
        routes=[*routes, Mount("/webhooks", routes=routes)],
        middleware=[Middleware(SecurityHeaders)],
    )
    install_error_handlers(app)
    return app


def _build_website_routes(website: WebsiteWebhook) -> list[BaseRoute]:
    """Build the routes that a shop's own page may call from its own site."""
    open_to_shops = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["POST"],
        allow_headers=["content-type"],
        expose_headers=["retry-after"],
        max_age=86_400,
    )
    return [
        Route(
            "/website/{channel_key}/messages/",
            website.receive,
            methods=["POST", "OPTIONS"],
            middleware=[open_to_shops],
        ),
        Route(
            "/website/{channel_key}/visitors/",
            website.make_visitor,
            methods=["POST", "OPTIONS"],
            middleware=[open_to_shops],
        ),
    ]


async def open_webhooks(
    stack: AsyncExitStack, *, shards: Shards | None = None
) -> ASGIApp:
    """Open what the webhooks need; `shards` are the runtime's own if not given."""
    settings = load_settings()
    setup_logging(settings.logs_dir, "webhooks")
    pool = await open_owned_pool(stack, settings, max_size=2)
    directory = ChannelDirectory(pool)
    listener = Listener(get_dsn(settings))
    listener.on("pilito_channels", directory.forget)
    await listener.start()
    stack.push_async_callback(listener.stop)
    clock = SystemClock()
    rate_limiter = VisitorRateLimiter.from_settings(settings, clock)
    stack.push_async_callback(rate_limiter.stop)
    return build_webhooks_app(
        settings,
        shards or ShardClient(settings.shards),
        directory,
        clock,
        rate_limiter,
        get_cipher(settings),
    )
