"""A wrong answer can be explained: from its message back to what the search weighed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from actors.conversation.rules.policy import Policy
from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.responder import AnswerWriter
from deployments.answers.retriever import (
    KnowledgeRetriever,
    RetrieverDependencies,
    Variant,
)
from persistence.channels import ChannelKind
from persistence.database import Pool
from persistence.ids import ConversationId, TenantId
from persistence.users import User
from tests.support.api import (
    Api,
    LocalShards,
    add_channel,
    connect,
    write_as_customer,
)
from tests.support.knowledge import PAGES, CountingEmbedder, add_page
from tests.support.servers.llm_server import MODEL, FakeModel, running_model
from tests.support.waiting import wait_for_count

QUESTION = "هزینه ارسال چقدره؟"
AT_ONCE = Policy(reply_debounce=timedelta(0))
ANSWERS = "SELECT count(*) FROM messages WHERE type = 'AI'"


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop whose AI answers, and its owner."""

    api: Api
    owner: User
    retriever: KnowledgeRetriever


async def always_new(_: TenantId, __: ConversationId | None) -> Variant:
    return Variant.PRODUCTION_RAG


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    async with running_model() as model:
        yield model
        model.close()


@pytest.fixture
async def shop(
    pool: Pool, embedder: CountingEmbedder, model: FakeModel
) -> AsyncIterator[Shop]:
    retriever = KnowledgeRetriever(pool, embedder, RetrieverDependencies(always_new))
    llm = model.connect()
    shards = LocalShards(pool, AnswerWriter(pool, retriever, llm), policy=AT_ONCE)
    await shards.shard.start()
    api = Api(pool, shards)
    owner = await api.add_user("alice")
    for page in PAGES:
        await add_page(pool, owner.tenant_id, page)
    indexer = KnowledgeIndexer(pool, embedder)
    while await indexer.embed_batch():
        pass
    yield Shop(api, owner, retriever)
    await shards.shard.stop()
    await llm.close()


async def test_an_ai_message_leads_back_to_candidates_scores_and_prompt(
    pool: Pool, shop: Shop
) -> None:
    app = shop.api.build()
    channel = await add_channel(app, shop.owner.tenant_id, ChannelKind.WEBSITE)
    conversation = await write_as_customer(shop.api, channel, "sara", QUESTION)
    await wait_for_count(pool, ANSWERS, 1)

    async with connect(app, shop.owner) as client:
        path = f"/api/conversations/{conversation}/messages/"
        messages = (await client.get(path)).json()["results"]

    (answer,) = (message for message in messages if message["type"] == "AI")
    trace = answer["metadata"]
    assert trace["model"] == MODEL
    assert trace["retrieval_method"] == "production_rag"
    assert len(trace["prompt_hash"]) == 64
    # The same search, shown stage by stage, weighs the same.
    found = await shop.retriever.retrieve(shop.owner.tenant_id, QUESTION)
    assert trace["relevance"] == pytest.approx(found["relevance"])
    assert [
        (candidate["chunk_id"], candidate["score"]) for candidate in trace["candidates"]
    ] == [
        (chunk["chunk_id"], pytest.approx(chunk["score"])) for chunk in found["chunks"]
    ]
    assert [(used["number"], used["chunk_id"]) for used in trace["sources"]] == [
        (used["number"], used["chunk_id"]) for used in found["sources_used"]
    ]
