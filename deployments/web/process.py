"""Process of the web application: opens its dependencies and builds it."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from fastapi import APIRouter
from starlette.types import ASGIApp

from actors.clock import SystemClock
from actors.conversation.client import ShardClient
from actors.monitor.client import MonitorClient
from config.logging import setup_logging
from config.settings import load_settings
from deployments.answers.clients import RemoteRetriever, probe_deployment
from deployments.flags import FeatureFlags
from deployments.health.probes import build_probes
from deployments.http.addresses import ClientAddresses
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.website.chat_page import build_website_router
from deployments.integrations.website.live import WebsiteDependencies, WebsiteHub
from deployments.integrations.website.visitors import Visitors, build_signer
from deployments.monitoring.analysis_jobs import RayAnalysis
from deployments.rate_limit import VisitorRateLimiter
from deployments.web.app import build_web_app
from deployments.web.dependencies import WebDependencies
from deployments.web.file_reader import RayFileReader
from deployments.web.inbox_feed import InboxFeed
from deployments.web.searches import MAX_SEARCHES
from deployments.wiring import count_tokens, get_cipher, get_dsn, open_owned_pool
from persistence.flags import FLAGS_CHANNEL
from persistence.listener import Listener
from persistence.users import ACCESS_CHANNEL


async def open_web(
    stack: AsyncExitStack, build_pages: Callable[[], APIRouter]
) -> ASGIApp:
    """Open what the API, the sockets and the pages need."""
    settings = load_settings()
    setup_logging(settings.logs_dir, "web")
    pool = await open_owned_pool(stack, settings, max_size=8)
    search_pool = await open_owned_pool(stack, settings, max_size=MAX_SEARCHES)
    shards = ShardClient(settings.shards)
    hub = WebsiteHub(pool, settings.shards)
    inbox_feed = InboxFeed(pool)
    rate_limiter = VisitorRateLimiter.from_settings(settings, SystemClock())
    stack.push_async_callback(rate_limiter.stop)
    directory = ChannelDirectory(pool)
    listener = Listener(get_dsn(settings))
    listener.on("pilito_channels", directory.forget)
    listener.on("pilito_messages", hub.notify)
    listener.on("pilito_messages", inbox_feed.notify)
    listener.on(ACCESS_CHANNEL, inbox_feed.notify_access)
    flags = FeatureFlags(pool, SystemClock())
    listener.on(FLAGS_CHANNEL, flags.notify)
    await listener.start()
    stack.push_async_callback(listener.stop)
    await flags.start()
    stack.push_async_callback(flags.stop)
    await hub.start()
    stack.push_async_callback(hub.stop)
    await inbox_feed.start()
    stack.push_async_callback(inbox_feed.stop)
    website = WebsiteDependencies(
        pool=pool,
        shards=shards,
        directory=directory,
        hub=hub,
        rate_limiter=rate_limiter,
        clock=SystemClock(),
        visitors=Visitors(build_signer(settings), get_cipher(settings), rate_limiter),
        addresses=ClientAddresses.build(settings.trusted_proxies),
        is_https=(settings.public_url or "").startswith("https://"),
    )
    app = build_web_app(
        WebDependencies(
            settings=settings,
            pool=pool,
            search_pool=search_pool,
            shards=shards,
            retriever=RemoteRetriever(),
            flags=flags,
            inbox_feed=inbox_feed,
            monitor=MonitorClient(),
            analysis=RayAnalysis(),
            read_file=RayFileReader(),
            count_tokens=count_tokens,
            probes=build_probes(settings, pool, probe_deployment),
        ),
        pages=[build_website_router(website), build_pages()],
    )
    await stack.enter_async_context(app.router.lifespan_context(app))
    return app
