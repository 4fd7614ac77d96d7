"""A tenant's questions go to the replica that has its index, on a real Ray Serve."""

import asyncio
import warnings
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import pytest

from actors.fair_semaphore import FairSemaphore
from deployments.answers.answer_draft import AnswerDraft
from persistence.ids import ConversationId, TenantId
from retrieval.answer.context import Performance, RetrievedContext
from retrieval.answer.drafts import DraftAct
from retrieval.dialogue.acts import Act
from retrieval.dialogue.turns import Burst, Turn
from retrieval.dialogue.understanding import Understanding
from retrieval.index.knowledge import EVERYTHING, RetrievalFilter
from retrieval.text.language import Language

with warnings.catch_warnings():
    # Ray's own imports warn of its own fields.
    warnings.simplefilter("ignore")
    from ray import serve

    from deployments.answers.clients import ANSWERS_APP, RemoteRetriever
    from deployments.answers.replicas import MAX_SEARCHES, RetrieverReplica
    from deployments.answers.retriever import KnowledgeRetriever

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(900),
    # Ray leaves sockets of its own to the collector.
    pytest.mark.filterwarnings("ignore"),
]

TENANTS = [TenantId(UUID(int=number)) for number in range(1, 5)]
#: By chance a tenant stays with one of two replicas once in a thousand times.
TIMES = 10
#: A replica reports its tenants to the controller ten times a second, and callers hear
#: of them from the controller. Serve has no event for it.
PROPAGATION_S = 4.0


class ReplicaNamer(KnowledgeRetriever):
    """Returns the name of its replica instead of passages."""

    def __init__(self) -> None:
        """Need neither a database nor a model."""

    async def retrieve(
        self,
        tenant_id: TenantId,
        query: str,
        *,
        share: str = "",
        conversation_id: ConversationId | None = None,
        only: RetrievalFilter = EVERYTHING,
    ) -> RetrievedContext:
        """Put the replica's name in place of the method's."""
        del tenant_id, query, share, conversation_id, only
        return RetrievedContext(
            primary_context="",
            secondary_context="",
            sources_used=[],
            total_chunks=0,
            retrieval_method=serve.get_replica_context().replica_id.unique_id,
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
        """Put the replica's name in place of the answer."""
        del tenant_id, burst, turns, only
        name = serve.get_replica_context().replica_id.unique_id
        understanding = Understanding((Act.QUESTION,), language)
        return AnswerDraft(DraftAct.ANSWER, understanding, name)


class PlacedReplica(RetrieverReplica):
    """The real replica around a search that names its replica."""

    async def __init__(self) -> None:  # type: ignore[misc]
        self._retriever = ReplicaNamer()
        self._places = FairSemaphore(MAX_SEARCHES)


@pytest.fixture(scope="module")
def _served(_serve: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    environment = {"PILITO_DATA_DIR": str(tmp_path_factory.mktemp("retriever"))}
    deployment = serve.deployment(
        name="Retriever",
        num_replicas=2,
        ray_actor_options={"num_cpus": 0, "runtime_env": {"env_vars": environment}},
    )(PlacedReplica)
    serve.run(deployment.bind(), name=ANSWERS_APP, route_prefix=None)


async def ask(tenant_id: TenantId) -> str:
    """Ask for passages and for an answer; return which replica has answered both."""
    remote = RemoteRetriever()
    draft = await remote.answer(tenant_id, Burst(("q",)), (), Language.FA)
    name = (await remote.retrieve(tenant_id, "q"))["retrieval_method"]
    assert draft.text == name
    return name


@pytest.mark.usefixtures("_served")
async def test_a_tenant_stays_with_its_replica_and_tenants_share_the_replicas() -> None:
    replicas = {}
    for tenant_id in TENANTS:
        # The first call loads the tenant; others hear a little later where it is.
        await RemoteRetriever().answer(tenant_id, Burst(("q",)), (), Language.FA)
        await asyncio.sleep(PROPAGATION_S)
        replicas[tenant_id] = await ask(tenant_id)
    for _ in range(TIMES):
        for tenant_id, replica in replicas.items():
            assert await ask(tenant_id) == replica
    # A new tenant goes where the fewest are.
    assert sorted(Counter(replicas.values()).values()) == [2, 2]
