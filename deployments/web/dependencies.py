"""Dependencies of the web application's endpoints."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from actors.clock import Clock, SystemClock
from actors.conversation.client import Shards
from actors.fair_semaphore import FairSemaphore
from actors.monitor.checks.ssrf_guard import EgressPolicy
from actors.monitor.client import Monitors
from config.settings import Settings
from deployments.accounts import MAX_PARALLEL_CHECKS
from deployments.answers.ports import Retriever
from deployments.egress import build_egress_policy
from deployments.flags import FeatureFlags
from deployments.health.probes import Probe
from deployments.health.readiness import Readiness
from deployments.http.addresses import ClientAddresses
from deployments.integrations.channel_registration import ChannelRegistration
from deployments.monitoring.analysis_jobs import AnalysisRunner
from deployments.rate_limit import RateLimiter, Turns
from deployments.web.api.tokens import TokenSigner
from deployments.web.inbox_feed import InboxFeed
from deployments.web.searches import Searches
from deployments.wiring import get_cipher, get_secret_key
from persistence import database, secrets
from persistence.knowledge_use import KnowledgeLimits
from retrieval.documents.files import FileText


@dataclass(slots=True)
class WebDependencies:
    """The parts that the endpoints call; one per application.

    The first fields are given, the last ones built from the settings.

    Raises:
        SettingsError: the settings have no secret key.
    """

    settings: Settings
    pool: database.Pool
    shards: Shards
    retriever: Retriever
    flags: FeatureFlags
    #: Must be started, and hear `pilito_messages`.
    inbox_feed: InboxFeed
    #: The embedder's own count, by which documents are cut.
    count_tokens: Callable[[str], int]
    monitor: Monitors
    analysis: AnalysisRunner
    #: Returns the text of an uploaded file, or raises UnreadableFileError.
    read_file: Callable[[str, bytes], Awaitable[FileText]]
    #: By the name of the part, as `/readyz` lists them.
    probes: Mapping[str, Probe] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    #: Connections of the searches alone; those of all others where there are none.
    search_pool: "database.Pool | None" = None
    searches: Searches = field(init=False)
    #: Documents are cut in threads that sign-ins need as well: one of a tenant at once.
    chunking: FairSemaphore = field(
        init=False, default_factory=lambda: FairSemaphore(2, share=1, spare=1)
    )
    #: The reader takes two files at once, and one may take it a minute.
    reading: FairSemaphore = field(
        init=False, default_factory=lambda: FairSemaphore(2, share=1, spare=1)
    )
    #: A dry run computes for seconds, in a thread.
    dry_runs: FairSemaphore = field(
        init=False,
        default_factory=lambda: FairSemaphore(2, share=1, spare=1, max_waiting=4),
    )
    #: A long history is replayed for a second, in a thread.
    replays: FairSemaphore = field(
        init=False,
        default_factory=lambda: FairSemaphore(2, share=1, spare=1, max_waiting=4),
    )
    knowledge_limits: KnowledgeLimits = field(init=False)
    #: Judges the addresses that tenants enter.
    egress: EgressPolicy = field(init=False)
    cipher: secrets.Cipher = field(init=False)
    signer: TokenSigner = field(init=False)
    rate_limiter: RateLimiter = field(init=False)
    addresses: ClientAddresses = field(init=False)
    registration: ChannelRegistration = field(init=False)
    password_checks: asyncio.Semaphore = field(
        init=False, default_factory=lambda: asyncio.Semaphore(MAX_PARALLEL_CHECKS)
    )
    #: By the address from which somebody signs in.
    sign_in_turns: Turns = field(init=False, default_factory=Turns)
    readiness: Readiness = field(init=False, default_factory=Readiness)
    metrics_thread: ThreadPoolExecutor = field(
        init=False, default_factory=lambda: ThreadPoolExecutor(1, "metrics")
    )
    hash_upgrades: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Build the parts that follow from the settings."""
        self.knowledge_limits = KnowledgeLimits(
            self.settings.knowledge_max_chunks, self.settings.knowledge_max_mb * 2**20
        )
        self.searches = Searches(self.search_pool or self.pool)
        self.egress = build_egress_policy(self.settings, self.pool)
        self.cipher = get_cipher(self.settings)
        self.signer = TokenSigner(get_secret_key(self.settings))
        self.rate_limiter = RateLimiter.from_settings(self.settings, self.clock)
        self.addresses = ClientAddresses.build(self.settings.trusted_proxies)
        self.registration = ChannelRegistration(self.pool, self.cipher, self.settings)

    async def stop(self) -> None:
        """Close the parts that were built here; the given ones are the caller's."""
        self.metrics_thread.shutdown(wait=False)
        await self.rate_limiter.stop()
        await self.registration.stop()


def fetch_dependencies(connection: HTTPConnection) -> WebDependencies:
    """Return the application's dependencies."""
    return cast("WebDependencies", connection.app.state.context)


Context = Annotated[WebDependencies, Depends(fetch_dependencies)]
