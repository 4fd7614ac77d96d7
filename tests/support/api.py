"""The real web application over a real database, and who calls it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from actors.clock import Clock, SystemClock
from actors.conversation.errors import AnswerFailedError
from actors.conversation.events import CustomerWrote, Event
from actors.conversation.ports import (
    NO_PROFILES,
    AnswerJob,
    OutgoingPart,
    Profiles,
    Responder,
    Sender,
    WrittenAnswer,
)
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.effect_runner import MAX_SENDS
from actors.conversation.shard.envelope import Receipt
from actors.conversation.shard.mirror import Mirror
from actors.conversation.shard.shard import Shard
from actors.conversation.shard.workflow_catalog import WorkflowCatalog
from actors.conversation.state import Source
from actors.errors import ActorError
from actors.monitor.client import Monitors
from actors.monitor.errors import MonitorUnavailableError
from actors.workflow.ports import NO_WORKER, Worker
from config.settings import Settings
from deployments.answers.answer_draft import AnswerDraft
from deployments.console.router import build_console_router
from deployments.flags import FeatureFlags
from deployments.health.probes import Probe
from deployments.monitoring.analysis_jobs import AnalysisRunner, InlineAnalysis
from deployments.web.api.tokens import TokenType
from deployments.web.app import build_web_app
from deployments.web.dependencies import WebDependencies
from deployments.web.inbox_feed import InboxFeed, LiveLimits
from persistence.channels import (
    Channel,
    ChannelKind,
    ChannelTokens,
    NewChannel,
    create_channel,
)
from persistence.database import Pool
from persistence.erasure import KeyedHash
from persistence.ids import (
    ConversationId,
    ServiceId,
    SessionId,
    TenantId,
    derive_conversation_id,
    derive_event_id,
)
from persistence.journal import PostgresJournal
from persistence.monitor import CheckRow
from persistence.sessions import SessionClaims, create_session
from persistence.tenants import create_tenant
from persistence.users import Role, User, create_user
from retrieval.answer.context import Performance, RetrievedContext
from retrieval.answer.drafts import DraftAct
from retrieval.dialogue.acts import Act
from retrieval.dialogue.turns import Burst, Turn
from retrieval.dialogue.understanding import Understanding
from retrieval.documents.files import FileText, read_file
from retrieval.index.knowledge import EVERYTHING, RetrievalFilter
from retrieval.text.language import Language

SECRET = "a secret of the tests that is long enough"
BASE_URL = "http://pilito.test"
#: Nobody is answered by the AI while a test lasts, on the slowest machine.
PATIENT = Policy(reply_debounce=timedelta(hours=1))
#: No password has this hash; such a user comes with a token.
NO_PASSWORD = "none"


class SilentResponder:
    """Never answers: these tests are about people."""

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Refuse the job."""
        message = f"nobody answers {job.conversation_id}"
        raise AnswerFailedError(message)


class TakingSender:
    """A platform that takes everything."""

    async def send(self, part: OutgoingPart) -> str:
        """Name the part."""
        return f"mid-{part.send_id}"


class LocalShards:
    """One real shard in this process; remembers what was submitted."""

    def __init__(
        self,
        pool: Pool,
        responder: Responder | None = None,
        sender: Sender | None = None,
        policy: Policy | None = None,
        profiles: Profiles = NO_PROFILES,
        mirror: Mirror | None = None,
        clock: Clock | None = None,
        max_sends: int = MAX_SENDS,
        worker: Worker = NO_WORKER,
        workflows: WorkflowCatalog | None = None,
    ) -> None:
        self.events: list[Event] = []
        self.shard = Shard(
            shard=0,
            shards=1,
            journal=PostgresJournal(pool, KeyedHash((SECRET,))),
            responder=responder or SilentResponder(),
            sender=sender or TakingSender(),
            policy=policy or PATIENT,
            clock=clock or SystemClock(),
            profiles=profiles,
            mirror=mirror,
            max_sends=max_sends,
            worker=worker,
            workflows=workflows,
        )

    async def submit(self, event: Event) -> Receipt:
        """Store the event."""
        self.events.append(event)
        (result,) = await self.shard.submit([event])
        if isinstance(result, ActorError):
            raise result
        return result


class EmptyRetriever:
    """Finds nothing; remembers who asked what."""

    def __init__(self) -> None:
        self.queries: list[tuple[TenantId, str]] = []
        self.filters: list[RetrievalFilter] = []

    async def retrieve(
        self,
        tenant_id: TenantId,
        query: str,
        *,
        share: str = "",
        conversation_id: ConversationId | None = None,
        only: RetrievalFilter = EVERYTHING,
    ) -> RetrievedContext:
        """Find nothing; the share and the conversation are not remembered."""
        del share, conversation_id
        self.filters.append(only)
        self.queries.append((tenant_id, query))
        return RetrievedContext(
            primary_context="",
            secondary_context="",
            sources_used=[],
            total_chunks=0,
            retrieval_method="none",
            performance=Performance(
                latency_ms=0.0,
                embedding_ms=0.0,
                search_ms=0.0,
                context_ms=0.0,
                reranking_used=False,
                query_complexity=0.0,
                dense_candidates=0,
                sparse_candidates=0,
                fused_candidates=0,
                degraded={},
            ),
            chunks=[],
            relevance=0.0,
        )

    async def answer(
        self,
        tenant_id: TenantId,
        burst: Burst,
        turns: Sequence[Turn],
        language: Language,
        *,
        only: RetrievalFilter = EVERYTHING,
    ) -> AnswerDraft:
        """Find no answer."""
        del turns
        self.filters.append(only)
        self.queries.append((tenant_id, "\n".join(burst.texts)))
        understanding = Understanding((Act.QUESTION,), language)
        return AnswerDraft(DraftAct.HANDOVER, understanding)


def count_words(text: str) -> int:
    """Count tokens the cheap way."""
    return len(text.split())


class AwayMonitor:
    """Nobody watches in most of these tests."""

    async def check_now(self, service_id: ServiceId) -> CheckRow:
        """Refuse."""
        del service_id
        raise MonitorUnavailableError


async def read_in_thread(name: str, content: bytes) -> FileText:
    """Read an uploaded file without Ray."""
    return await asyncio.to_thread(read_file, name, content)


@dataclass
class Api:
    """An application under test."""

    pool: Pool
    shards: LocalShards
    retriever: EmptyRetriever = field(default_factory=EmptyRetriever)
    probes: dict[str, Probe] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    login_attempts_per_minute: int = 10
    api_calls_per_minute: int = 1200
    max_services: int = 500
    max_alert_routes: int = 20
    max_channels: int = 50
    redis_url: str | None = None
    #: Nobody listens there, unless a test has somebody who does.
    telegram_api_url: str = "http://127.0.0.1:9"
    instagram_graph_url: str = "http://127.0.0.1:9"
    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    metrics_token: str | None = None
    count_tokens: Callable[[str], int] = count_words
    monitor: Monitors = field(default_factory=AwayMonitor)
    live_limits: LiveLimits = field(default_factory=LiveLimits)
    #: In this process, unless a test has another.
    analysis: AnalysisRunner | None = None
    #: Made with the application; sockets need it started.
    inbox_feed: InboxFeed = field(init=False)

    def build(self) -> FastAPI:
        """Build the application."""
        settings = Settings(
            secret_key=SecretStr(SECRET),
            redis_url=SecretStr(self.redis_url) if self.redis_url else None,
            telegram_api_url=self.telegram_api_url,
            instagram_graph_url=self.instagram_graph_url,
            public_url=self.public_url,
            trusted_proxies=self.trusted_proxies,
            metrics_token=SecretStr(self.metrics_token) if self.metrics_token else None,
            login_attempts_per_minute=self.login_attempts_per_minute,
            api_calls_per_minute=self.api_calls_per_minute,
            max_services=self.max_services,
            max_alert_routes=self.max_alert_routes,
            max_channels=self.max_channels,
        )
        self.inbox_feed = InboxFeed(self.pool, self.live_limits)
        return build_web_app(
            WebDependencies(
                settings=settings,
                pool=self.pool,
                shards=self.shards,
                retriever=self.retriever,
                flags=FeatureFlags(self.pool, self.clock),
                inbox_feed=self.inbox_feed,
                count_tokens=self.count_tokens,
                monitor=self.monitor,
                probes=self.probes,
                clock=self.clock,
                analysis=self.analysis or InlineAnalysis(self.pool),
                read_file=read_in_thread,
            ),
            pages=[build_console_router()],
        )

    async def add_user(
        self,
        name: str,
        password_hash: str = NO_PASSWORD,
        *,
        is_superuser: bool = False,
        role: Role = Role.OWNER,
        tenant_id: TenantId | None = None,
    ) -> User:
        """Add a user who is signed in, to a new tenant of the same name or another."""
        if tenant_id is None:
            tenant_id = (await create_tenant(self.pool, name)).id
        user = await create_user(
            self.pool,
            tenant_id,
            name,
            password_hash,
            role=role,
            is_superuser=is_superuser,
        )
        await open_session(self.pool, user)
        return user


def connect(
    app: FastAPI, user: User | None = None, address: str = "192.0.2.1"
) -> httpx.AsyncClient:
    """Connect to the application, signed in as the user."""
    headers = {}
    if user is not None:
        headers["Authorization"] = f"Bearer {sign(app, user)}"
    # What breaks must be seen as the answer that a caller gets.
    transport = httpx.ASGITransport(
        app, raise_app_exceptions=False, client=(address, 4711)
    )
    return httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers)


async def open_session(pool: Pool, user: User) -> None:
    """Sign the user in: `sign` makes access tokens of this session."""
    at = SystemClock().now()
    session_id = claims_of(user).session_id
    await create_session(
        pool, session_id, user, b"", at=at, ends=at + timedelta(days=1)
    )


def claims_of(user: User) -> SessionClaims:
    """Return what the tokens of a test's user say: the session has the user's id."""
    return SessionClaims(SessionId(user.id), user.id, user.session_version)


def sign(app: FastAPI, user: User) -> str:
    """Sign an access token."""
    context: WebDependencies = app.state.context
    at = context.clock.now()
    return context.signer.sign(claims_of(user), TokenType.ACCESS, at)


async def add_channel(
    app: FastAPI,
    tenant_id: TenantId,
    kind: ChannelKind = ChannelKind.WEBSITE,
    account_id: str = "key",
) -> Channel:
    """Add a channel to the tenant."""
    context: WebDependencies = app.state.context
    tokens = ChannelTokens("a token of the platform", None)
    new = NewChannel(kind, "channel", account_id, tokens, is_proven=True)
    async with context.pool.acquire() as connection, connection.transaction():
        return await create_channel(connection, context.cipher, tenant_id, new)


async def write_as_customer(
    api: Api, channel: Channel, customer: str, text: str, mid: str = "m1"
) -> ConversationId:
    """Let a customer write; return the conversation."""
    conversation_id = derive_conversation_id(channel.id, customer)
    await api.shards.submit(
        CustomerWrote(
            id=derive_event_id(conversation_id, mid),
            conversation_id=conversation_id,
            at=api.clock.now(),
            tenant_id=channel.tenant_id,
            channel_id=channel.id,
            source=Source(channel.kind),
            customer=customer,
            mid=mid,
            text=text,
        )
    )
    return conversation_id
