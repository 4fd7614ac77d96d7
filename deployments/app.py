"""All wiring: which parts there are, and what each is given."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
from pydantic import BaseModel, ConfigDict
from ray import serve
from ray.serve import Application
from starlette.types import ASGIApp

from actors.clock import SystemClock
from actors.conversation.actor import ShardPlan
from actors.conversation.client import (
    ShardClient,
    Shards,
    start_shards,
    stop_shards,
)
from actors.conversation.mirror import NO_MIRROR, Mirror, RedisMirror
from actors.conversation.policy import Policy
from actors.conversation.ports import Profiles, Responder, Sender
from actors.monitor.client import MonitorClient, stop_monitor
from config.logging import setup_logging
from config.settings import Settings, load_settings
from deployments import monitor
from deployments.asgi import OpenedApp, Opener
from deployments.changes import ChangeFeed
from deployments.channels.directory import ChannelDirectory
from deployments.channels.throttle import VisitorThrottle, build_throttle
from deployments.flags import FeatureFlags
from deployments.handles import RemoteResponder, RemoteRetriever
from deployments.part_probes import build_probes
from deployments.profiles import ChannelProfiles
from deployments.sender import ChannelSender
from deployments.web_app import build_web_app
from deployments.web_services import WebServices
from deployments.webhooks_app import WebhookServices, build_webhooks_app
from deployments.website import (
    WebsiteHub,
    WebsiteServices,
    build_website_router,
)
from deployments.wiring import count_tokens, get_cipher, get_dsn
from persistence.database import Pool, open_pool
from persistence.flags import FLAGS_CHANNEL
from persistence.journal import fence_all
from persistence.listener import Listener

#: A stopping shard writes what it has accepted: milliseconds, unless it hangs.
SHARD_STOP_PATIENCE = timedelta(seconds=4)
#: It hands its lease over; what it was checking is noted as missed.
MONITOR_STOP_PATIENCE = timedelta(seconds=1.5)


class AppArgs(BaseModel):
    """Arguments that `serve_config.yaml` may give to an application; none so far."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class ShardOutside:
    """Opens, inside a shard's process, the ways to all that is outside."""

    async def open(self, pool: Pool) -> tuple[Responder, Sender, Profiles, Mirror]:
        """Open the ways to the answering side, the platforms and the mirror."""
        settings = load_settings()
        setup_logging(settings.logs_dir, "shards")
        cipher = get_cipher(settings)
        sender = ChannelSender(pool, cipher, settings)
        profiles = ChannelProfiles(pool, cipher, settings)
        url = settings.redis_url
        mirror: Mirror = (
            NO_MIRROR if url is None else RedisMirror(pool, url.get_secret_value())
        )
        return RemoteResponder(settings.llm_timeout_s), sender, profiles, mirror


def start_actors(settings: Settings) -> None:
    """Start the shards and the monitor.

    The shards take their places from a runtime before this one; the monitor waits until
    such a one watches no more.
    """
    # The embedded database's address is known only to the environment by now.
    dsn = get_dsn(load_settings())
    asyncio.run(_take_all_places(dsn))
    plans = [
        ShardPlan(
            shard=shard,
            shards=settings.shards,
            database_url=dsn,
            policy=Policy(
                reply_debounce=settings.reply_debounce,
                share_timeout=settings.share_timeout,
            ),
        )
        for shard in range(settings.shards)
    ]
    start_shards(plans, ShardOutside())
    monitor.start(settings)


async def _take_all_places(dsn: str) -> None:
    # A runtime before this one may still live elsewhere, with more shards than we
    # start: the places that nobody takes from it are taken here.
    connection = await asyncpg.connect(dsn)
    try:
        await fence_all(connection)
    finally:
        await connection.close()


def stop_actors(settings: Settings) -> None:
    """Let monitor and shards finish what they accepted, then end them."""
    stop_monitor(MONITOR_STOP_PATIENCE)
    stop_shards(settings.shards, SHARD_STOP_PATIENCE)


def build_webhooks(args: AppArgs) -> Application:  # noqa: ARG001 - Serve's signature
    """Build the application that takes what platforms deliver."""
    return _bind_ingress("Webhooks", open_webhooks)


def build_web(args: AppArgs) -> Application:  # noqa: ARG001 - Serve's signature
    """Build the application of the API, the sockets and the pages."""
    return _bind_ingress("Web", open_web)


def build_answers(args: AppArgs) -> Application:  # noqa: ARG001 - Serve's signature
    """Build the answering side; it has no route of its own."""
    # The model's client and the indexes: half a second that no other process needs.
    from deployments.reranker import RerankerReplica
    from deployments.serving import ResponderReplica, RetrieverReplica

    reranker = serve.deployment(name="Reranker")(RerankerReplica).bind()
    retriever = serve.deployment(name="Retriever")(RetrieverReplica).bind()
    responder = serve.deployment(name="Responder")(ResponderReplica)
    return responder.bind(retriever, reranker)


async def open_webhooks(
    stack: AsyncExitStack, *, shards: Shards | None = None
) -> ASGIApp:
    """Open what the webhooks need; `shards` are the runtime's own if not given."""
    settings = load_settings()
    setup_logging(settings.logs_dir, "webhooks")
    pool = await _open_pool(stack, settings, max_size=2)
    directory = ChannelDirectory(pool)
    listener = Listener(get_dsn(settings))
    listener.on("pilito_channels", directory.forget)
    await listener.start()
    stack.push_async_callback(listener.stop)
    return build_webhooks_app(
        WebhookServices(
            settings=settings,
            shards=shards or ShardClient(settings.shards),
            directory=directory,
            clock=SystemClock(),
            throttle=_build_throttle(stack, settings),
            cipher=get_cipher(settings),
        )
    )


async def open_web(stack: AsyncExitStack) -> ASGIApp:
    """Open what the API, the sockets and the pages need."""
    settings = load_settings()
    setup_logging(settings.logs_dir, "web")
    pool = await _open_pool(stack, settings, max_size=8)
    shards = ShardClient(settings.shards)
    hub = WebsiteHub(pool, settings.shards)
    changes = ChangeFeed(pool)
    throttle = _build_throttle(stack, settings)
    directory = ChannelDirectory(pool)
    listener = Listener(get_dsn(settings))
    listener.on("pilito_channels", directory.forget)
    listener.on("pilito_messages", hub.notify)
    listener.on("pilito_messages", changes.notify)
    flags = FeatureFlags(pool, SystemClock())
    listener.on(FLAGS_CHANNEL, flags.notify)
    await listener.start()
    stack.push_async_callback(listener.stop)
    await flags.start()
    stack.push_async_callback(flags.stop)
    await hub.start()
    stack.push_async_callback(hub.stop)
    await changes.start()
    stack.push_async_callback(changes.stop)
    website = WebsiteServices(
        pool=pool,
        shards=shards,
        directory=directory,
        hub=hub,
        throttle=throttle,
        clock=SystemClock(),
    )
    app = build_web_app(
        WebServices(
            settings=settings,
            pool=pool,
            shards=shards,
            retriever=RemoteRetriever(),
            flags=flags,
            changes=changes,
            monitor=MonitorClient(),
            count_tokens=count_tokens,
            probes=build_probes(settings, pool),
        ),
        pages=[build_website_router(website)],
    )
    await stack.enter_async_context(app.router.lifespan_context(app))
    return app


async def _open_pool(stack: AsyncExitStack, settings: Settings, max_size: int) -> Pool:
    pool = await open_pool(get_dsn(settings), max_size=max_size)
    stack.push_async_callback(pool.close)
    return pool


def _build_throttle(stack: AsyncExitStack, settings: Settings) -> VisitorThrottle:
    throttle = build_throttle(settings, SystemClock())
    stack.push_async_callback(throttle.stop)
    return throttle


def _bind_ingress(name: str, opener: Opener) -> Application:
    def build() -> ASGIApp:
        return OpenedApp(opener)

    return serve.deployment(name=name)(serve.ingress(build)()).bind()
