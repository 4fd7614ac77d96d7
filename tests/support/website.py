"""The chat window over a real database, a real shard and a real connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.routing import Mount

from actors.clock import SystemClock
from config.settings import Settings
from deployments.errors import install_error_handlers
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.webhooks import build_webhooks_app
from deployments.integrations.website.chat_page import build_website_router
from deployments.integrations.website.live import WebsiteDependencies, WebsiteHub
from deployments.integrations.website.visitors import Visitors, VisitorSigner
from deployments.rate_limit import VisitorRateLimiter
from persistence.channels import (
    Channel,
    ChannelKind,
    ChannelTokens,
    NewChannel,
    create_channel,
)
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.listener import Listener
from persistence.secrets import Cipher
from persistence.tenants import create_tenant
from tests.support.api import LocalShards
from tests.support.servers.http_server import serving

CIPHER = Cipher("a key of the tests")
SIGNER = VisitorSigner("a key of the tests")


async def add_shop(
    pool: Pool,
    kind: ChannelKind,
    account_id: str,
    *,
    name: str = "فروشگاه آزمون",
    token: str | None = None,
    is_paused: bool = False,
) -> Channel:
    """Add a tenant with one channel, whose account is proven."""
    tenant = await create_tenant(pool, f"tenant of {account_id}")
    return await add_channel(
        pool,
        tenant.id,
        NewChannel(
            kind,
            name,
            account_id,
            ChannelTokens(token, None),
            is_paused,
            is_proven=True,
        ),
    )


async def add_channel(pool: Pool, tenant_id: TenantId, new: NewChannel) -> Channel:
    """Add a channel to a tenant."""
    async with pool.acquire() as connection, connection.transaction():
        return await create_channel(connection, CIPHER, tenant_id, new)


@dataclass(frozen=True, slots=True)
class Website:
    """A running website channel; `address` is `host:port`."""

    address: str
    channel: Channel
    shards: LocalShards
    hub: WebsiteHub
    listener: Listener
    visitors: Visitors

    def sign(self, visitor_id: str) -> str:
        """Sign an id, as the server does for the visitors that it makes."""
        return SIGNER.sign(self.channel.id, visitor_id)


@asynccontextmanager
async def running_website(pool: Pool, dsn: str) -> AsyncIterator[Website]:
    """Run the pages, the WebSocket and the webhooks of one shop."""
    clock = SystemClock()
    shards = LocalShards(pool)
    directory, hub = ChannelDirectory(pool), WebsiteHub(pool, shards=1)
    channel = await add_shop(pool, ChannelKind.WEBSITE, "shop-key-1")
    listener = Listener(dsn)
    listener.on("pilito_channels", directory.forget)
    listener.on("pilito_messages", hub.notify)
    throttle = VisitorRateLimiter(clock, per_visitor=1000)
    visitors = Visitors(SIGNER, CIPHER, throttle)
    services = WebsiteDependencies(
        pool, shards, directory, hub, throttle, clock, visitors
    )
    webhooks = build_webhooks_app(
        Settings(), shards, directory, clock, throttle, CIPHER, visitors
    )
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(build_website_router(services))
    app.router.routes.append(Mount("/webhooks", webhooks))
    await shards.shard.start()
    await hub.start()
    await listener.start()
    try:
        async with serving(app) as address:
            yield Website(address, channel, shards, hub, listener, visitors)
    finally:
        await listener.stop()
        await hub.stop()
        await shards.shard.stop()
