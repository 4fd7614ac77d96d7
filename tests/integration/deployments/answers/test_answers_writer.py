"""Answers without a model: quoted with sources, or an honest hand-over."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from actors.conversation.errors import AnswerFailedError
from actors.conversation.ports import AnswerJob
from actors.conversation.reasons import FailureReason
from actors.conversation.rules.placeholders import PLACEHOLDERS, Note
from actors.conversation.state import MessageType
from actors.conversation.traces import BlockQuoted
from config.prompts import (
    COLLEAGUE_LOOKS,
    FAREWELL,
    GREETING,
    HANDOVER,
    HOW_ARE_YOU,
    NO_THANKS,
    REGRET,
    UNREADABLE,
    WELCOME,
)
from deployments.answers.answer_draft import AnswerDraft
from deployments.answers.errors import RetrieverUnavailableError
from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.responder import AnswerWriter
from deployments.answers.retriever import KnowledgeRetriever
from persistence.database import Pool, open_pool
from persistence.ids import ConversationId, MessageId, TenantId
from retrieval.answer.context import RetrievedContext
from retrieval.dialogue.turns import Burst, Turn
from retrieval.index.knowledge import EVERYTHING, RetrievalFilter
from retrieval.text.language import Language
from tests.support.knowledge import (
    PAGES,
    RETURNS,
    SHIPPING,
    SHIPPING_FEE,
    Counter,
    CountingEmbedder,
    Page,
    add_page,
    open_counter,
)

#: Nothing, spaces, a lone joiner.
UNSEEN_TEXTS = ("", "     ", "\u200c", " \u200c\u200f ")
#: Marks and emoji.
WORDLESS_TEXTS = ("؟", "!؟", "😡", "😡🤔")


@pytest.fixture
async def counter(pool: Pool, embedder: CountingEmbedder) -> AsyncIterator[Counter]:
    """A shop with three pages, embedded."""
    counter = await open_counter(pool)
    for page in PAGES:
        await add_page(pool, counter.tenant_id, page)
    indexer = KnowledgeIndexer(pool, embedder)
    while await indexer.embed_batch():
        pass
    yield counter
    await counter.shards.shard.stop()


@pytest.fixture
def writer(pool: Pool, embedder: CountingEmbedder) -> AnswerWriter:
    return AnswerWriter(pool, KnowledgeRetriever(pool, embedder), None)


async def test_a_question_is_answered_word_for_word_with_its_source(
    counter: Counter, writer: AnswerWriter
) -> None:
    answer = await writer.write(await counter.write("هزینه ارسال چقدره؟"))

    assert answer.text == SHIPPING_FEE
    assert not answer.is_handover
    (source,) = answer.trace.sources
    assert (source.number, source.title) == (1, SHIPPING.title)
    assert answer.trace.model == "extractive"
    assert answer.trace.retrieval_method == "facts"
    assert answer.trace.latency_ms > 0
    assert answer.trace.fallback_reason == ""
    # What was weighed is traced, whether it was used or not.
    assert answer.trace.candidates[0].chunk_id == source.chunk_id
    assert len(answer.trace.candidates) == len(PAGES)
    assert answer.trace.prompt_hash == ""
    assert answer.trace.search_ms > 0
    # The proof, and what the next message may lean on.
    assert answer.trace.quoted == (BlockQuoted(source.chunk_id, SHIPPING_FEE),)
    assert answer.trace.understanding["acts"] == ["question"]
    assert answer.trace.questions == (answer.trace.question,)
    assert answer.trace.subject == SHIPPING.title
    assert answer.trace.subject_chunk_id == source.chunk_id


async def test_a_reply_is_answered_about_the_message_that_it_answers(
    counter: Counter, writer: AnswerWriter
) -> None:
    await counter.write(SHIPPING.title)
    mid = counter.asked[-1].mid

    answer = await writer.write(await counter.write("این چنده؟", reply_to=mid))

    # Both sentences of the page tell what delivery costs.
    assert answer.text == SHIPPING.text
    assert not answer.is_handover


async def test_what_is_replied_to_is_searched_whether_it_came_or_is_stored(
    counter: Counter, writer: AnswerWriter
) -> None:
    job = await counter.write("این چنده؟", referred=SHIPPING.title)

    # After an edit the job knows of no reference: it is stored with the message.
    for share in (SHIPPING.title, ""):
        answer = await writer.write(replace(job, share=share))
        assert answer.text == SHIPPING.text


async def test_an_english_question_finds_the_persian_page(
    counter: Counter, writer: AnswerWriter
) -> None:
    answer = await writer.write(await counter.write("How much does delivery cost?"))

    assert answer.text == SHIPPING_FEE


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("پایتخت استرالیا کدوم شهره؟", "fa"),
        ("What is the capital of Mongolia?", "en"),
        ("سلام، دستور پخت قورمه سبزی رو بگو", "fa"),
    ],
)
async def test_what_the_shop_does_not_know_goes_to_a_person_in_the_customers_language(
    counter: Counter, writer: AnswerWriter, question: str, language: str
) -> None:
    answer = await writer.write(await counter.write(question))

    assert answer.is_handover
    assert answer.text == HANDOVER[language]
    assert answer.trace.sources == ()


@pytest.mark.parametrize("text", UNSEEN_TEXTS)
async def test_what_cannot_be_seen_goes_to_a_person(
    counter: Counter, writer: AnswerWriter, text: str
) -> None:
    answer = await writer.write(await counter.write(text))

    assert answer.is_handover
    # Without letters the shop's own language counts.
    assert answer.text == HANDOVER["fa"]


@pytest.mark.parametrize(
    ("text", "reply", "is_handover"),
    [
        ("؟", UNREADABLE, False),
        ("!؟", UNREADABLE, False),
        ("😡", REGRET, True),
        ("😡🤔", REGRET, True),
        ("❤️", WELCOME, False),
    ],
)
async def test_marks_and_emoji_are_answered_in_kind(
    counter: Counter,
    writer: AnswerWriter,
    text: str,
    reply: Mapping[str, str],
    is_handover: bool,
) -> None:
    answer = await writer.write(await counter.write(text))

    assert answer.text == reply["fa"]
    assert answer.is_handover == is_handover


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("سلام وقت بخیر", GREETING["fa"]),
        ("سلام، خوب هستید؟", HOW_ARE_YOU["fa"]),
        ("نه مرسی، همین بود", NO_THANKS["fa"]),
        ("خداحافظ", FAREWELL["fa"]),
        ("hello there", GREETING["en"]),
        ("خیلی ممنون", WELCOME["fa"]),
    ],
)
async def test_small_talk_calls_nobody(
    counter: Counter, writer: AnswerWriter, text: str, reply: str
) -> None:
    answer = await writer.write(await counter.write(text))

    assert answer.text == reply
    assert not answer.is_handover
    assert not answer.needs_operator
    assert answer.trace.sources == ()


async def test_a_burst_is_answered_as_one_question(
    counter: Counter, writer: AnswerWriter
) -> None:
    job = await counter.write("سلام", "یه سوال داشتم", "ارسال به مشهد", "چند میشه؟")

    answer = await writer.write(job)

    assert answer.trace.sources[0].title == SHIPPING.title


async def test_two_questions_in_one_burst_both_get_their_page(
    counter: Counter, writer: AnswerWriter
) -> None:
    answer = await writer.write(
        await counter.write("هزینه ارسال چقدره؟", "تا کی می‌تونم کالا رو مرجوع کنم؟")
    )

    assert {source.title for source in answer.trace.sources} == {
        SHIPPING.title,
        RETURNS.title,
    }
    assert [source.number for source in answer.trace.sources] == [1, 2]


async def test_a_shop_without_knowledge_hands_over(
    pool: Pool, counter: Counter, writer: AnswerWriter
) -> None:
    empty = await open_counter(pool, "empty", beside=counter)

    answer = await writer.write(await empty.write("هزینه ارسال چقدره؟"))

    assert answer.is_handover


async def test_a_page_that_was_just_written_is_answered_from_at_once(
    pool: Pool, counter: Counter, writer: AnswerWriter
) -> None:
    page = Page("کارت هدیه", "کارت هدیه‌ی فروشگاه از ۵۰۰ هزار تومان شروع می‌شود.")
    await add_page(pool, counter.tenant_id, page)

    answer = await writer.write(await counter.write("کارت هدیه از چند شروع میشه؟"))

    assert answer.text == page.text


async def test_words_alone_still_answer_when_the_model_of_meaning_fails(
    counter: Counter, writer: AnswerWriter, embedder: CountingEmbedder
) -> None:
    embedder.failure = RuntimeError("no vectors today")

    answer = await writer.write(await counter.write("هزینه‌ی ارسال با پست چقدر است؟"))

    assert answer.text == SHIPPING_FEE


class BrokenSearch:
    """A search that is away."""

    async def retrieve(
        self,
        tenant_id: TenantId,
        query: str,
        *,
        share: str = "",
        conversation_id: ConversationId | None = None,
        only: RetrievalFilter = EVERYTHING,
    ) -> RetrievedContext:
        message = f"{tenant_id} {share} {conversation_id} {only}: no {query!r} now"
        raise RetrieverUnavailableError(message)

    async def answer(
        self,
        tenant_id: TenantId,
        burst: Burst,
        turns: Sequence[Turn],
        language: Language,
        *,
        only: RetrievalFilter = EVERYTHING,
    ) -> AnswerDraft:
        message = f"{tenant_id} {turns} {language} {only}: no {burst!r} now"
        raise RetrieverUnavailableError(message)


async def test_a_search_that_fails_leaves_a_polite_handover_and_its_reason(
    pool: Pool, counter: Counter
) -> None:
    writer = AnswerWriter(pool, BrokenSearch(), None)

    answer = await writer.write(await counter.write("هزینه ارسال چقدره؟"))

    assert answer.is_handover
    assert answer.text == HANDOVER["fa"]
    assert answer.trace.fallback_reason == FailureReason.SEARCH_FAILED


@pytest.mark.parametrize("text", UNSEEN_TEXTS)
async def test_y1_a_text_without_words_is_never_searched(
    pool: Pool, counter: Counter, text: str
) -> None:
    answer = await AnswerWriter(pool, BrokenSearch(), None).write(
        await counter.write(text)
    )

    assert answer.is_handover
    assert answer.trace.fallback_reason == ""
    assert answer.trace.relevance == 0.0


@pytest.mark.parametrize("text", WORDLESS_TEXTS)
async def test_y1_marks_and_emoji_are_never_searched(
    counter: Counter, writer: AnswerWriter, text: str
) -> None:
    answer = await writer.write(await counter.write(text))

    assert answer.trace.questions == ()
    assert answer.trace.candidates == ()
    assert answer.trace.sources == ()
    assert answer.trace.model != "extractive"


async def test_a_question_mark_about_a_shared_post_searches_for_the_post(
    counter: Counter, writer: AnswerWriter
) -> None:
    job = await counter.write("؟")

    answer = await writer.write(replace(job, share=f"عنوان: {RETURNS.title}"))

    assert answer.trace.candidates


@pytest.mark.parametrize(
    ("words", "language"),
    [((), "fa"), (("how much is this one?",), "en"), (("این چنده؟",), "fa")],
)
async def test_a_picture_is_left_to_a_colleague_and_nothing_is_guessed(
    counter: Counter, writer: AnswerWriter, words: tuple[str, ...], language: str
) -> None:
    job = await counter.write(PLACEHOLDERS[MessageType.IMAGE], *words)

    answer = await writer.write(job)

    assert answer.text == COLLEAGUE_LOOKS[language]
    assert answer.needs_operator
    assert not answer.is_handover
    assert answer.trace.sources == ()


@pytest.mark.parametrize(
    "text",
    ["[پرداخت موفق] 120 XTR order-17", "[فرم ارسال‌شده] ثبت\nسایز ۴۲", Note.NOT_SHOWN],
)
async def test_an_act_without_words_calls_an_operator_and_the_ai_goes_on(
    counter: Counter, writer: AnswerWriter, text: str
) -> None:
    answer = await writer.write(await counter.write(text))

    assert answer.text == COLLEAGUE_LOOKS["fa"]
    assert answer.needs_operator
    assert not answer.is_handover


async def test_a_tenant_that_writes_english_is_answered_so_where_there_are_no_words(
    pool: Pool, counter: Counter, writer: AnswerWriter
) -> None:
    await pool.execute("UPDATE tenants SET language = 'en'")
    job = await counter.write(PLACEHOLDERS[MessageType.VOICE])

    assert (await writer.write(job)).text == COLLEAGUE_LOOKS["en"]


async def test_a_shared_post_is_searched_with_the_question_about_it(
    counter: Counter, writer: AnswerWriter
) -> None:
    job = await counter.write("این چقدر طول می‌کشه؟")
    share = f"عنوان: {RETURNS.title}\nلینک: https://cdn/1"

    answer = await writer.write(replace(job, share=share))

    assert RETURNS.title in {source.title for source in answer.trace.sources}


async def test_a_shared_post_does_not_hide_what_the_question_alone_finds(
    counter: Counter, writer: AnswerWriter
) -> None:
    job = await counter.write("هزینه ارسال چقدره؟")
    share = "کپشن: " + "غروب پاییز و چای داغ کنار شومینه " * 30

    answer = await writer.write(replace(job, share=share))

    assert SHIPPING.title in {source.title for source in answer.trace.sources}


async def test_a_database_that_stays_away_is_a_failed_answer(
    dsn: str, pool: Pool, counter: Counter, embedder: CountingEmbedder
) -> None:
    job = await counter.write("هزینه ارسال چقدره؟")
    closed = await open_pool(dsn)
    await closed.close()
    writer = AnswerWriter(
        closed,
        KnowledgeRetriever(pool, embedder),
        None,
        database_timeout=timedelta(milliseconds=1),
    )

    with pytest.raises(AnswerFailedError):
        await writer.write(job)


async def test_a_conversation_that_is_gone_is_a_failed_answer(
    counter: Counter, writer: AnswerWriter
) -> None:
    job = AnswerJob(counter.tenant_id, counter.conversation_id, (MessageId(uuid4()),))

    with pytest.raises(AnswerFailedError):
        await writer.write(job)


async def test_another_tenants_question_is_never_read(
    pool: Pool, counter: Counter, writer: AnswerWriter
) -> None:
    job = await counter.write("هزینه ارسال چقدره؟")
    stranger = await open_counter(pool, "stranger", beside=counter)

    with pytest.raises(AnswerFailedError):
        await writer.write(
            AnswerJob(stranger.tenant_id, job.conversation_id, job.question_ids)
        )
