"""Answers by a model behind a real HTTP server: what it reads, and when it fails."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

import pytest
import structlog

from actors.conversation.rules.share import combine
from config.prompts import HANDOVER, NO_ANSWER, REST_HANDOVER, RULES
from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.llm import LlmClient
from deployments.answers.responder import AnswerWriter
from deployments.answers.retriever import KnowledgeRetriever
from persistence.database import Pool
from retrieval.dialogue.turns import Burst, Turn
from retrieval.text.language import Language
from tests.support.knowledge import (
    PAGES,
    SHIPPING,
    SHIPPING_FEE,
    Counter,
    CountingEmbedder,
    Page,
    add_page,
    open_counter,
)
from tests.support.servers.llm_server import (
    KEY,
    MODEL,
    Fail,
    FakeModel,
    Garbage,
    Hang,
    Say,
    running_model,
)

QUESTION = "هزینه ارسال چقدره؟"
SURE_QUESTION = "منظورتان بسته‌بندی برای ارسال است؟"
#: The pauses between attempts are the server's to say.
AT_ONCE = {"retry-after-ms": "1"}


@dataclass(frozen=True, slots=True)
class Desk:
    """A shop, a model, and who writes answers with it."""

    counter: Counter
    model: FakeModel
    writer: AnswerWriter
    retriever: KnowledgeRetriever


@pytest.fixture
async def desk(pool: Pool, embedder: CountingEmbedder) -> AsyncIterator[Desk]:
    counter = await open_counter(pool)
    for page in PAGES:
        await add_page(pool, counter.tenant_id, page)
    indexer = KnowledgeIndexer(pool, embedder)
    while await indexer.embed_batch():
        pass
    retriever = KnowledgeRetriever(pool, embedder)
    async with running_model() as model:
        client = model.connect()
        writer = AnswerWriter(pool, retriever, client)
        yield Desk(counter, model, writer, retriever)
        model.close()
        await client.close()
    await counter.shards.shard.stop()


async def test_the_models_words_are_sent_with_all_that_it_cost(desk: Desk) -> None:
    desk.model.answer(Say("هزینه‌ی ارسال ۶۵ هزار تومان است.", tokens=777))

    answer = await desk.writer.write(await desk.counter.write(QUESTION))

    assert answer.text == "هزینه‌ی ارسال ۶۵ هزار تومان است."
    assert not answer.is_handover
    assert (answer.trace.model, answer.trace.tokens) == (MODEL, 777)
    assert [source.number for source in answer.trace.sources] == [1, 2, 3]
    assert SHIPPING.title in {source.title for source in answer.trace.sources}
    assert desk.model.keys == [KEY]
    assert desk.model.asked[0].model == MODEL


async def test_the_model_reads_rules_wishes_passages_turns_and_question(
    pool: Pool, desk: Desk
) -> None:
    await pool.execute("UPDATE tenants SET instructions = 'لحن ما صمیمی است.'")
    await desk.counter.write("پیراهن مشکی دارید؟")
    await desk.counter.answer("بله، در همه‌ی سایزها.")

    await desk.writer.write(await desk.counter.write(QUESTION))

    (asked,) = desk.model.asked
    assert asked.messages[0].content.startswith(RULES["fa"])
    assert "لحن ما صمیمی است." in asked.messages[0].content
    assert SHIPPING.text in asked.messages[0].content
    assert [(message.role, message.content) for message in asked.messages[1:-1]] == [
        ("user", "سلام"),
        ("user", "پیراهن مشکی دارید؟"),
        ("assistant", "بله، در همه‌ی سایزها."),
    ]
    assert QUESTION in asked.messages[-1].content
    assert asked.text.count(QUESTION) == 1


async def test_an_english_customer_gets_english_rules(desk: Desk) -> None:
    await desk.writer.write(await desk.counter.write("How much is delivery?"))

    assert desk.model.asked[0].messages[0].content.startswith(RULES["en"])


async def test_a_model_that_finds_no_answer_hands_over(desk: Desk) -> None:
    desk.model.answer(Say(f"{NO_ANSWER}\n"))

    answer = await desk.writer.write(await desk.counter.write(QUESTION))

    assert answer.is_handover
    assert answer.text == HANDOVER["fa"]
    assert answer.trace.model == MODEL


async def test_the_part_that_a_model_knows_is_kept_and_a_person_does_the_rest(
    desk: Desk,
) -> None:
    desk.model.answer(Say(f"هزینه‌ی ارسال ۶۵ هزار تومان است.\n{NO_ANSWER}"))

    answer = await desk.writer.write(await desk.counter.write(QUESTION))

    assert answer.is_handover
    assert answer.text.startswith("هزینه‌ی ارسال ۶۵ هزار تومان است.")
    assert answer.text.endswith(REST_HANDOVER["fa"])
    assert answer.trace.sources


async def test_the_model_reads_share_and_question_in_the_contract_s_words(
    desk: Desk,
) -> None:
    share = "عنوان: مانتو نخی"
    job = await desk.counter.write(QUESTION)

    await desk.writer.write(replace(job, share=share))

    assert combine(share, QUESTION) in desk.model.asked[0].messages[-1].content


async def test_only_passages_that_the_model_was_shown_are_its_sources(
    pool: Pool, desk: Desk
) -> None:
    # A thousand words each: with a share as long, the prompt has room for one of them.
    for name in ("پیشتاز", "ویژه"):
        text = " ".join(f"هزینه ارسال {name} به شهر {n} معلوم است." for n in range(60))
        await add_page(pool, desk.counter.tenant_id, Page(f"هزینه ارسال {name}", text))
    job = await desk.counter.write(QUESTION)

    answer = await desk.writer.write(replace(job, share="کپشن: " + "زیبا " * 3_000))

    shown = desk.model.asked[0].messages[0].content
    numbers = [int(n) for n in re.findall(r"^\[(\d+)\]", shown, re.MULTILINE)]
    assert [source.number for source in answer.trace.sources] == numbers
    assert 0 < len(numbers) < len(PAGES) + 2
    # And those are shown whole: no title without its words.
    for passage in re.split(r"\n\n(?=\[\d+\] )", shown)[1:]:
        assert "\n" in passage.strip().removesuffix('"""').strip()


async def test_an_irrelevant_question_never_reaches_the_model(desk: Desk) -> None:
    answer = await desk.writer.write(
        await desk.counter.write("پایتخت استرالیا کدوم شهره؟")
    )

    assert answer.is_handover
    assert desk.model.asked == []


async def test_small_talk_never_reaches_the_model(desk: Desk) -> None:
    await desk.writer.write(await desk.counter.write("سلام خسته نباشید"))

    assert desk.model.asked == []


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_passing_failure_is_tried_again(desk: Desk, status: int) -> None:
    desk.model.answer(Fail(status, AT_ONCE), Fail(status, AT_ONCE), Say("جواب"))

    answer = await desk.writer.write(await desk.counter.write(QUESTION))

    assert answer.text == "جواب"
    assert answer.trace.fallback_reason == ""
    assert len(desk.model.asked) == 3
    assert len(answer.trace.prompt_hash) == len(sha256().hexdigest())


@pytest.mark.parametrize(
    ("reply", "attempts"),
    [
        (Fail(500, AT_ONCE), 3),
        (Fail(429, AT_ONCE), 3),
        (Fail(401), 1),
        (Fail(400), 1),
        (Say(None), 1),
        (Say("   "), 1),
        (Garbage('{"choices": []}'), 1),
        (Garbage('{"choices": null}'), 1),
        (Garbage('{"choices": [{}]}'), 1),
        (Garbage('{"choices": [{"message": {"content": 7}}]}'), 1),
        (Garbage("[]"), 1),
        (Garbage("null"), 1),
        (Garbage("{not json"), 1),
        (Garbage("<html>Welcome to the wifi</html>", "text/html"), 1),
    ],
    ids=repr,
)
async def test_a_model_that_fails_for_good_leaves_the_quoted_answer_and_a_reason(
    desk: Desk, reply: Fail | Say | Garbage, attempts: int
) -> None:
    desk.model.answer(reply)

    answer = await desk.writer.write(await desk.counter.write(QUESTION))

    assert answer.text == SHIPPING_FEE
    assert not answer.is_handover
    assert answer.needs_operator
    assert answer.trace.model == "extractive"
    assert answer.trace.fallback_reason
    assert len(desk.model.asked) == attempts


async def test_a_model_that_hangs_is_left_after_its_time(
    pool: Pool, desk: Desk, embedder: CountingEmbedder
) -> None:
    desk.model.answer(Hang())
    client = desk.model.connect(timeout=timedelta(seconds=2))
    retriever = KnowledgeRetriever(pool, embedder)

    answer = await AnswerWriter(pool, retriever, client).write(
        await desk.counter.write(QUESTION)
    )
    await client.close()

    assert answer.text == SHIPPING_FEE
    assert answer.trace.fallback_reason
    # As often as one that fails.
    assert len(desk.model.asked) == 3


async def test_a_model_that_nobody_serves_is_a_reason_too(
    pool: Pool, desk: Desk, embedder: CountingEmbedder
) -> None:
    nobody = FakeModel()
    nobody.url = "http://127.0.0.1:9/v1"  # the discard port: nothing listens there
    client: LlmClient = nobody.connect()
    retriever = KnowledgeRetriever(pool, embedder)

    answer = await AnswerWriter(pool, retriever, client).write(
        await desk.counter.write(QUESTION)
    )
    await client.close()

    assert answer.text == SHIPPING_FEE
    assert answer.trace.fallback_reason


@pytest.mark.parametrize("reply", [Fail(401), Fail(500, AT_ONCE)], ids=repr)
async def test_the_key_is_in_no_answer_and_no_log_line(desk: Desk, reply: Fail) -> None:
    desk.model.answer(reply)

    with structlog.testing.capture_logs() as lines:
        answer = await desk.writer.write(await desk.counter.write(QUESTION))

    assert KEY not in repr(answer)
    assert KEY not in repr(lines)
    assert any(line["event"] == "model_failed" for line in lines)


@pytest.mark.parametrize(
    "text",
    ["می‌خوام با یه آدم حرف بزنم", "سفارشم نرسیده هنوز", "نه ممنون", "/help", "👍"],
)
async def test_what_needs_no_search_never_reaches_the_model(
    desk: Desk, text: str
) -> None:
    answer = await desk.writer.write(await desk.counter.write(text))

    assert desk.model.asked == []
    assert answer.trace.sources == ()


async def test_a_doubtful_question_is_the_models_to_judge(desk: Desk) -> None:
    # Without a model nobody is sure that a page answers it.
    question = "بسته‌بندی هدیه هم دارید؟"
    alone = AnswerWriter(desk.counter.pool, desk.retriever, None)
    desk.model.answer(Say(f"CLARIFY: {SURE_QUESTION}"))
    job = await desk.counter.write(question)

    unsure = await alone.write(job)
    answer = await desk.writer.write(job)

    assert unsure.is_handover
    assert len(desk.model.asked) == 1
    assert answer.text == SURE_QUESTION
    assert answer.trace.asked_back
    assert not answer.is_handover


async def test_the_model_reads_what_a_follow_up_leans_on(desk: Desk) -> None:
    first = await desk.writer.write(await desk.counter.write(QUESTION))
    question = "برای مشهد چی؟"
    turns = (Turn(QUESTION, first.text, first.trace.question, first.trace.subject),)
    draft = await desk.retriever.answer(
        desk.counter.tenant_id, Burst((question,)), turns, Language.FA
    )
    assert draft.understanding.questions[0].subject == SHIPPING.title
