"""What the process of the webhooks opens."""

from contextlib import AsyncExitStack

from starlette.types import ASGIApp

from actors.clock import SystemClock
from actors.conversation.client import ShardClient, Shards
from config.logging import setup_logging
from config.settings import load_settings
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.webhooks_app import WebhookServices, build_webhooks_app
from deployments.integrations.website.throttle import build_throttle
from deployments.wiring import get_cipher, get_dsn, open_owned_pool
from persistence.listener import Listener


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
    throttle = build_throttle(settings, SystemClock())
    stack.push_async_callback(throttle.stop)
    return build_webhooks_app(
        WebhookServices(
            settings=settings,
            shards=shards or ShardClient(settings.shards),
            directory=directory,
            clock=SystemClock(),
            throttle=throttle,
            cipher=get_cipher(settings),
        )
    )
