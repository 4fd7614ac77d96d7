"""The Retriever and Responder deployments: classes that Ray Serve runs."""

import asyncio
import os
import sys
from collections.abc import Sequence
from functools import partial

from ray import serve
from ray.serve.handle import DeploymentHandle

from actors.clock import SystemClock
from actors.fair_semaphore import FairSemaphore
from config.logging import setup_logging
from config.settings import load_settings
from deployments.answers import clients, embedders, llm, retriever
from deployments.answers.answer_draft import AnswerDraft
from deployments.answers.budget import AnswerBudget
from deployments.answers.indexing import indexer
from deployments.answers.indexing.indexes import MAX_TENANTS
from deployments.answers.indexing.passage_worker import PassageWorker
from deployments.answers.judging import TextJudge
from deployments.answers.ports import JudgeJob, NotJudged, Verdict
from deployments.answers.rag_metrics import RAGMetrics
from deployments.answers.responder import AnswerWriter
from deployments.flags import FeatureFlags
from deployments.health.probes import PartHealth, PartStatus
from deployments.rate_limit import RateLimiter
from deployments.wiring import get_dsn
from persistence.database import open_pool
from persistence.flags import FLAGS_CHANNEL
from persistence.ids import ConversationId, TenantId
from persistence.listener import Listener
from persistence.tenant_removal import TENANTS_CHANNEL
from retrieval.answer.context import RetrievedContext
from retrieval.dialogue.turns import Burst, Turn
from retrieval.index.knowledge import EVERYTHING, RetrievalFilter
from retrieval.text.language import Language

#: Searches at once: as many as there are cores. More would gain nothing, and let one
#: tenant's searches take turns with another's instead of letting that one go first.
MAX_SEARCHES = max(2, os.cpu_count() or 1)
#: A third of what a process gets that takes messages in, while the cores are busy.
NICENESS = 5
#: A thread that waits for Python's lock gets it after so long. A question takes it some
#: hundred times, and beside another tenant's search each would wait for 5 ms.
SWITCH_INTERVAL_S = 0.0005
#: The reason in `/readyz` where no key is set.
NO_MODEL = "no model is set: answers are quoted from the documents"


class RetrieverReplica:
    """Searches, and embeds new knowledge in the background."""

    async def __init__(self) -> None:  # type: ignore[misc]
        # Serve awaits it.
        settings = load_settings()
        setup_logging(settings.logs_dir, "retriever")
        # Messages are taken in and stored first, whatever is being searched.
        os.nice(NICENESS)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        dsn = get_dsn(settings)
        self._pool = await open_pool(dsn, max_size=8)
        # Threads that spin while they wait take the processor from all others: on two
        # busy cores a query took four times as long.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        embedder = await asyncio.to_thread(
            embedders.open_configured_embedder, settings.embedding_model
        )
        self._places = FairSemaphore(MAX_SEARCHES, spare=MAX_SEARCHES // 2)
        self._flags = FeatureFlags(self._pool, SystemClock())
        self._retriever = retriever.KnowledgeRetriever(
            self._pool,
            embedder,
            retriever.RetrieverDependencies(
                choose_variant=partial(
                    retriever.decide_variant, self._pool, self._flags
                ),
                options=lambda: retriever.read_options(
                    self._flags, settings.dense_weight
                ),
                reranker=clients.RemoteReranker(),
            ),
        )
        self._indexer = indexer.KnowledgeIndexer(
            self._pool, embedder, PassageWorker(embedder.name)
        )
        self._listener = Listener(dsn)
        self._listener.on("pilito_knowledge", self._indexer.notify)
        self._listener.on(TENANTS_CHANNEL, self._retriever.forget_tenant)
        self._listener.on(FLAGS_CHANNEL, self._flags.notify)
        await self._listener.start()
        await self._flags.start()
        RAGMetrics.set_active_model("embedder", embedder.name)
        # In the background: it takes seconds, and words can be searched meanwhile.
        self._warming = asyncio.create_task(self._warm_up())

    async def _warm_up(self) -> None:
        """Load what queries need, then start to embed new knowledge."""
        try:
            await self._retriever.warm_up()
        finally:
            self._indexer.start()

    async def retrieve(
        self,
        tenant_id: TenantId,
        query: str,
        *,
        share: str = "",
        conversation_id: ConversationId | None = None,
        only: RetrievalFilter = EVERYTHING,
    ) -> RetrievedContext:
        """Retrieve; see KnowledgeRetriever.retrieve."""
        await self._claim(str(tenant_id))
        async with self._places.place(tenant_id):
            return await self._retriever.retrieve(
                tenant_id,
                query,
                share=share,
                conversation_id=conversation_id,
                only=only,
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
        """Compose an answer; see KnowledgeRetriever.answer."""
        await self._claim(str(tenant_id))
        async with self._places.place(tenant_id):
            return await self._retriever.answer(
                tenant_id, burst, turns, language, only=only
            )

    @serve.multiplexed(max_num_models_per_replica=MAX_TENANTS)  # type: ignore[untyped-decorator]
    async def _claim(self, tenant: str) -> str:
        """Route the tenant's next questions to this replica, which has its index.

        Serve forgets the tenants that asked least recently, as the indexes do. Nothing
        is loaded here: Serve loads one model at a time, and no tenant's first question
        should wait for another's.
        """
        return tenant

    async def health(self) -> PartHealth:
        """Report whether the embedder works."""
        if not self._warming.done():
            return PartHealth(PartStatus.OK, "warming up")
        if self._warming.exception() is not None:
            reason = "the embedder failed: search is by words alone"
            return PartHealth(PartStatus.DEGRADED, reason)
        return PartHealth(PartStatus.OK)


class ResponderReplica(AnswerWriter):
    """Writes answers, with connections of its own.

    It finds the other deployments by name, so that it goes on when one is replaced;
    its arguments only bind them into one application.
    """

    async def __init__(self, *_others: DeploymentHandle[object]) -> None:  # type: ignore[misc]
        settings = load_settings()
        setup_logging(settings.logs_dir, "responder")
        pool = await open_pool(get_dsn(settings), max_size=4)
        endpoint = llm.resolve_llm(settings)
        client = None
        if endpoint is not None:
            client = llm.LlmClient(endpoint, timeout_s=settings.llm_timeout_s)
        clock = SystemClock()
        limiter = RateLimiter.from_settings(settings, clock)
        budget = AnswerBudget(limiter, clock, settings.answers_per_minute)
        super().__init__(pool, clients.RemoteRetriever(), client, budget=budget)
        self._judge = TextJudge(client, budget)

    async def judge(self, job: JudgeJob) -> Verdict | NotJudged:
        """Judge a customer's text; see TextJudge.judge."""
        return await self._judge.judge(job)

    async def health(self) -> PartHealth:
        """Report whether the database answers, and whether a model is set."""
        await self._pool.fetchval("SELECT 1")
        return PartHealth(PartStatus.OK, "" if self._llm else NO_MODEL)
