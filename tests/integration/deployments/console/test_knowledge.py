"""The pages of the knowledge: documents, the try-out, and an answer's proof."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi import FastAPI

from actors.conversation.ports import AnswerJob, WrittenAnswer
from actors.conversation.rules.policy import Policy
from actors.conversation.traces import AnswerTrace, PromptMessage, SourceCited
from deployments import accounts
from persistence.channels import Channel
from persistence.database import Pool
from persistence.ids import ConversationId, TenantId
from persistence.users import Role, User
from retrieval.answer.context import RetrievedContext
from retrieval.errors import EmbeddingError
from retrieval.index.knowledge import EVERYTHING, RetrievalFilter
from tests.integration.deployments.console.conftest import PASSWORD, Visitor
from tests.support.api import (
    Api,
    EmptyRetriever,
    LocalShards,
    connect,
    write_as_customer,
)
from tests.support.waiting import wait_for_count

DOCUMENT = str(uuid4())
TRACE = AnswerTrace(
    model="a-model",
    retrieval_method="facts",
    relevance=0.87,
    prompt=(PromptMessage("system", "قانون"), PromptMessage("user", "<b>سؤال</b>")),
    questions=("هزینه ارسال چقدره؟",),
    sources=(SourceCited(1, DOCUMENT, "c", "قوانین ارسال", "manual", None, 0.9),),
    understanding={"decided": "answer", "acts": ["question"]},
)


class FindingRetriever(EmptyRetriever):
    """Finds one passage, or fails."""

    is_away = False

    async def retrieve(
        self,
        tenant_id: TenantId,
        query: str,
        *,
        share: str = "",
        conversation_id: ConversationId | None = None,
        only: RetrievalFilter = EVERYTHING,
    ) -> RetrievedContext:
        """Find the passage."""
        if self.is_away:
            raise EmbeddingError
        found = await super().retrieve(
            tenant_id, query, share=share, conversation_id=conversation_id, only=only
        )
        found["chunks"] = [
            {
                "chunk_id": "c",
                "document_id": DOCUMENT,
                "source": "manual",
                "title": "قوانین ارسال",
                "url": None,
                "text": "هزینه ارسال ۶۵ هزار تومان است. <script>",
                "parent_text": "",
                "score": 0.9,
                "rrf_score": 0.1,
                "dense_rank": 1,
                "dense_similarity": 0.88,
                "sparse_rank": None,
                "sparse_score": None,
            }
        ]
        found["performance"]["degraded"] = {"embedder": "slow"}
        return found


class TracingResponder:
    """Answers with a proof."""

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Answer."""
        assert job.question_ids
        return WrittenAnswer("۶۵ هزار تومان", trace=TRACE)


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    """A shop whose AI answers at once."""
    quick = Policy(reply_debounce=timedelta(0))
    shards = LocalShards(pool, TracingResponder(), policy=quick)
    await shards.shard.start()
    yield Api(pool, shards, FindingRetriever())
    await shards.shard.stop()


async def test_a_document_is_written_read_changed_and_deleted(visitor: Visitor) -> None:
    empty = await visitor.get("/console/knowledge")
    assert "هنوز نوشته‌ای نیست" in empty.text
    made = await visitor.post(
        "/console/knowledge/new",
        title="قوانین ارسال",
        text="سطر یک\r\nسطر دو <b>",
        source_type="manual",
    )
    there = made.headers["location"]
    assert "سطر یک\nسطر دو &lt;b&gt;" in (await visitor.get(there)).text
    changed = await visitor.post(
        there, title="ارسال و مرجوعی", text="تازه", source_type="faq"
    )
    assert changed.headers["location"] == there
    listed = (await visitor.get("/console/knowledge")).text
    assert "ارسال و مرجوعی" in listed
    assert "پرسش و پاسخ" in listed
    assert "ارسال و مرجوعی" in (await visitor.get("/console/knowledge?q=مرجوع")).text
    none = (await visitor.get("/console/knowledge?q=پالتو")).text
    assert "چیزی پیدا نشد" in none
    await visitor.post(f"{there}/delete")
    assert (await visitor.get(there)).status_code == 404


async def test_a_form_that_is_refused_keeps_what_was_typed(visitor: Visitor) -> None:
    answer = await visitor.post(
        "/console/knowledge/new", title="", text="متن بلند من", source_type="nothing"
    )
    assert answer.status_code == 422
    assert "متن بلند من" in answer.text
    assert 'role="alert"' in answer.text


async def test_pages_of_documents_follow_each_other(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.console.knowledge.pages.PAGE", 2)
    for n in range(5):
        fields = {"title": f"نوشته {n}", "text": "متن", "source_type": "manual"}
        await visitor.post("/console/knowledge/new", **fields)
    path, seen = "/console/knowledge", []
    while path:
        page = (await visitor.get(path)).text
        seen += re.findall(r"<bdi>نوشته (\d)</bdi>", page)
        following = re.search(r'class="more"><a href="([^"]+)"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == ["4", "3", "2", "1", "0"]


async def test_the_try_out_shows_what_was_found_and_with_which_scores(
    visitor: Visitor,
) -> None:
    page = (await visitor.get("/console/knowledge/try?query=هزینه ارسال")).text
    assert "۶۵ هزار تومان" in page
    assert f"/console/knowledge/{DOCUMENT}" in page
    assert "<script>" not in page.partition("۶۵ هزار")[2].partition("</ol>")[0]
    assert "۰.۸۸" in page
    assert "embedder" in page
    assert "question=%D9%87" in page


async def test_a_search_that_is_away_is_said(visitor: Visitor, api: Api) -> None:
    assert isinstance(api.retriever, FindingRetriever)
    api.retriever.is_away = True
    page = (await visitor.get("/console/knowledge/try?query=ارسال")).text
    assert "الان نمی‌توانیم بخوانیم" in page
    assert "چیزی پیدا نشد" not in page


async def test_the_proof_shows_what_an_answer_rests_on(
    visitor: Visitor, api: Api, app: FastAPI, channel: Channel, pool: Pool
) -> None:
    one = await write_as_customer(api, channel, "c1", "هزینه ارسال چقدره؟")
    count = "SELECT count(*) FROM messages WHERE type = 'AI'"
    await wait_for_count(pool, count, 1)
    thread = (await visitor.get(f"/console/inbox/led_by_ai/{one}")).text
    proof = re.search(r'href="(/console/messages/[^"]+/proof)"', thread)
    assert proof is not None
    page = (await visitor.get(proof[1])).text
    for shown in ("a-model", "facts", "۰.۸۷", "قوانین ارسال", "قانون", "answer"):
        assert shown in page
    assert "&lt;b&gt;سؤال&lt;/b&gt;" in page
    assert "/console/knowledge/try?query=%D9%87%D8%B2" in page
    await api.add_user("bob", await accounts.hash_password(PASSWORD))
    async with connect(app) as client:
        other = Visitor(client)
        await other.sign_in("bob")
        assert (await other.get(proof[1])).status_code == 404


async def test_another_shops_documents_do_not_exist(
    visitor: Visitor, api: Api, app: FastAPI
) -> None:
    fields = {"title": "راز", "text": "راز", "source_type": "manual"}
    made = await visitor.post("/console/knowledge/new", **fields)
    there = made.headers["location"]
    await api.add_user("bob", await accounts.hash_password(PASSWORD))
    async with connect(app) as client:
        other = Visitor(client)
        await other.sign_in("bob")
        answers = [
            await other.get(there),
            await other.post(there, **fields),
            await other.post(f"{there}/delete"),
        ]
        assert [one.status_code for one in answers] == [404] * 3
        assert "راز" not in (await other.get("/console/knowledge")).text


async def test_operators_edit_knowledge_as_the_api_lets_them(
    api: Api, app: FastAPI, sara: User
) -> None:
    hashed = await accounts.hash_password(PASSWORD)
    await api.add_user("omid", hashed, role=Role.OPERATOR, tenant_id=sara.tenant_id)
    async with connect(app) as client:
        omid = Visitor(client)
        await omid.sign_in("omid")
        fields = {"title": "نوشته", "text": "متن", "source_type": "manual"}
        answer = await omid.post("/console/knowledge/new", **fields)
        assert answer.status_code == 303
