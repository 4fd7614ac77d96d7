"""Whole conversations through a real shard, writer and search: what is answered."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import uuid4

import pytest

from actors.clock import SystemClock
from actors.conversation.events import (
    ConversationRedirected,
    CustomerShared,
    CustomerWrote,
    OperatorAnswered,
)
from actors.conversation.rules.policy import Policy
from actors.conversation.state import Destination, Source
from config import prompts
from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.responder import AnswerWriter
from deployments.answers.retriever import KnowledgeRetriever
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import (
    ChannelId,
    ConversationId,
    EventId,
    TenantId,
    UserId,
    derive_conversation_id,
    derive_event_id,
)
from retrieval.index.knowledge import SourceType
from tests.support.api import LocalShards
from tests.support.knowledge import CountingEmbedder, Page, add_page
from tests.support.waiting import wait_for_count
from tests.support.website import add_shop

BASE = (
    Page(
        "ارسال سفارش",
        "ارسال با پست پیشتاز به سراسر کشور ۷۲ هزار تومان است و دو تا چهار روز کاری "
        "طول می‌کشد.",
    ),
    Page(
        "پیراهن کتان رها",
        "قیمت ۱٬۴۵۰٬۰۰۰ تومان. رنگ‌ها: آبی، زیتونی و مشکی. سایزها: ۳۸ تا ۴۸.",
        SourceType.PRODUCTS,
    ),
    Page(
        "شومیز ابریشمی باران",
        "قیمت ۶۹۰٬۰۰۰ تومان. رنگ‌ها: سفید و صورتی. سایزها: ۳۶ تا ۴۲.",
        SourceType.PRODUCTS,
    ),
    Page(
        "پس دادن کالا",
        "تا ده روز پس از دریافت می‌توانید کالا را با برچسب سالم پس بدهید.",
    ),
)
AI_MESSAGES = "SELECT count(*) FROM messages WHERE conversation_id = $1 AND type = 'AI'"
HANDED_OVER = (
    "SELECT count(*) FROM conversations WHERE id = $1 AND needs_operator "
    "AND status = 'support_active'"
)


def build_table() -> str:
    rows = "\n".join(
        f"| {size} | {size + 46} | {size + 38} | {size // 2 + 83} |"
        for size in range(34, 74, 2)
    )
    return f"| سایز | دور سینه | دور کمر | قد |\n|---|---|---|---|\n{rows}"


#: The customer's n-th message was answered, or nobody waits for the AI any more.
SETTLED = (
    "SELECT count(*) FROM conversations c WHERE id = $1 AND (status <> 'active' OR "
    "$2 <= (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id "
    "AND m.type = 'customer' AND processing_status = 'completed'))"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it is stored."""

    text: str
    model: str
    titles: frozenset[str]
    is_led_by_ai: bool


class Head(TypedDict):
    """What all events of a customer name."""

    id: EventId
    conversation_id: ConversationId
    at: datetime
    tenant_id: TenantId
    channel_id: ChannelId
    source: Source
    customer: str
    mid: str


@dataclass(slots=True)
class Talk:
    """One customer's conversation."""

    pool: Pool
    shards: LocalShards
    channel: Channel
    id: ConversationId
    n_said: int = 0
    n_answered: int = 0

    async def ask(self, text: str, *, referred: str = "") -> Reply:
        """Say something, and wait for the reply."""
        await self.say(text, referred=referred)
        self.n_answered += 1
        await wait_for_count(self.pool, AI_MESSAGES, self.n_answered, self.id)
        row = await self.pool.fetchrow(
            "SELECT m.content, m.metadata, c.status FROM messages m "
            "JOIN conversations c ON c.id = m.conversation_id "
            "WHERE c.id = $1 AND m.type = 'AI' ORDER BY m.seq DESC LIMIT 1",
            self.id,
        )
        assert row is not None
        metadata = row["metadata"]
        return Reply(
            row["content"],
            metadata["model"],
            frozenset(source["title"] for source in metadata["sources"]),
            row["status"] == "active",
        )

    async def say(self, text: str, *, referred: str = "") -> None:
        """Say something."""
        await self.shards.submit(
            CustomerWrote(**self._head(), text=text, referred=referred)
        )

    async def share(self, content: str) -> None:
        """Share a post."""
        await self.shards.submit(CustomerShared(**self._head(), content=content))

    def _head(self) -> Head:
        self.n_said += 1
        mid = f"m{self.n_said}"
        return Head(
            id=derive_event_id(self.id, mid),
            conversation_id=self.id,
            at=SystemClock().now(),
            tenant_id=self.channel.tenant_id,
            channel_id=self.channel.id,
            source=Source(self.channel.kind),
            customer=str(self.id),
            mid=mid,
        )


@dataclass(slots=True)
class Shop:
    """A shop on Instagram, whose AI answers at once and without a model."""

    pool: Pool
    embedder: CountingEmbedder
    shards: LocalShards
    channel: Channel
    n_customers: int = 0

    async def learn(self, *pages: Page) -> None:
        """Take in documents."""
        for page in pages:
            await add_page(self.pool, self.channel.tenant_id, page)
        indexer = KnowledgeIndexer(self.pool, self.embedder)
        while await indexer.embed_batch():
            pass

    def meet(self) -> Talk:
        """Meet a new customer."""
        self.n_customers += 1
        conversation_id = derive_conversation_id(
            self.channel.id, f"c{self.n_customers}"
        )
        return Talk(self.pool, self.shards, self.channel, conversation_id)

    async def ask(self, text: str) -> Reply:
        """Let a new customer ask one thing."""
        return await self.meet().ask(text)


@pytest.fixture
async def shop(pool: Pool, embedder: CountingEmbedder) -> AsyncIterator[Shop]:
    channel = await add_shop(pool, ChannelKind.INSTAGRAM, "178")
    writer = AnswerWriter(pool, KnowledgeRetriever(pool, embedder), None)
    shards = LocalShards(pool, writer, policy=Policy(reply_debounce=timedelta(0)))
    await shards.shard.start()
    shop = Shop(pool, embedder, shards, channel)
    await shop.learn(*BASE)
    yield shop
    await shards.shard.stop()


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("نه ممنون", prompts.NO_THANKS["fa"]),
        ("نه مرسی 🌷", prompts.NO_THANKS["fa"]),
        ("no, thank you", prompts.NO_THANKS["en"]),
        ("بله", prompts.WHICH_MATTER["fa"]),
        ("آره", prompts.WHICH_MATTER["fa"]),
        ("👍🏽", prompts.ACKNOWLEDGEMENT["fa"]),
        ("/help", prompts.COMMAND_HELP["fa"]),
        ("/settings@rahaa_bot", prompts.COMMAND_HELP["fa"]),
        ("/start product_42", prompts.GREETING["fa"]),
        ("salam", prompts.GREETING["fa"]),
    ],
)
async def test_y3_yes_no_and_commands_are_answered_in_kind(
    shop: Shop, text: str, reply: str
) -> None:
    answer = await shop.ask(text)
    assert answer.text == reply
    assert answer.is_led_by_ai
    assert answer.titles == frozenset()


async def test_y2_a_follow_up_is_about_the_thing_before(shop: Shop) -> None:
    talk = shop.meet()
    assert "۱٬۴۵۰٬۰۰۰" in (await talk.ask("پیراهن کتان رها چنده؟")).text
    sizes = await talk.ask("سایز ۴۶ هم داره؟")
    assert "۳۸ تا ۴۸" in sizes.text
    assert "۳۶ تا ۴۲" not in sizes.text
    assert sizes.titles == {"پیراهن کتان رها"}


async def test_y2_a_second_follow_up_asks_for_another_attribute(shop: Shop) -> None:
    talk = shop.meet()
    await talk.ask("پیراهن کتان رها چنده؟")
    await talk.ask("سایز ۴۶ هم داره؟")
    assert "مشکی" in (await talk.ask("مشکیش چی؟")).text


async def test_y2_words_that_were_unsent_are_not_leant_on(shop: Shop) -> None:
    talk = shop.meet()
    await talk.ask("پیراهن کتان رها چنده؟")
    await shop.pool.execute("UPDATE answer_proofs SET proof = '{}', is_erased = true")
    row = await shop.pool.fetchrow("SELECT metadata FROM messages WHERE type = 'AI'")
    assert row is not None
    # The customer's words stood in the proof alone.
    assert "چنده" not in str(row["metadata"])
    assert (await talk.ask("سایز ۴۶ هم داره؟")).model != "none"


@pytest.mark.parametrize(
    "referred", ["پیراهن کتان رها", "پیراهن کتان رها در سه رنگ موجود است."]
)
async def test_what_is_replied_to_or_advertised_is_the_subject(
    shop: Shop, referred: str
) -> None:
    talk = shop.meet()
    await talk.ask("شومیز ابریشمی باران چنده؟")
    answer = await talk.ask("این چنده؟", referred=referred)
    assert "۱٬۴۵۰٬۰۰۰" in answer.text
    assert answer.titles == {"پیراهن کتان رها"}


async def test_a_shared_post_is_the_subject(shop: Shop) -> None:
    talk = shop.meet()
    await talk.share("عنوان: شومیز ابریشمی باران\nلینک: https://cdn.example/1")
    assert "۶۹۰٬۰۰۰" in (await talk.ask("قیمتش چنده؟")).text


async def test_y5_a_row_is_answered_with_its_columns_name(shop: Shop) -> None:
    await shop.learn(Page("جدول سایز پیراهن‌ها", build_table(), SourceType.MANUAL))
    waist = await shop.ask("دور کمر سایز 56 چنده؟")
    assert "دور کمر" in waist.text
    assert "94" in waist.text
    assert "|" not in waist.text
    assert len(waist.text) < 80


async def test_y5_a_measure_is_looked_up_in_its_column(shop: Shop) -> None:
    await shop.learn(Page("جدول سایز پیراهن‌ها", build_table(), SourceType.MANUAL))
    size = await shop.ask("دور سینه‌م 110 هست، چه سایزی بردارم؟")
    assert "64" in size.text


async def test_y5_a_pages_menu_and_tags_are_never_quoted(shop: Shop) -> None:
    page = (
        '<nav><a href="/">خانه</a> | <a href="/cart">سبد خرید</a></nav>'
        '<div class="cookie">این سایت کوکی ذخیره می‌کند. <button>باشه</button></div>'
        "<h1>ارسال&nbsp;به&nbsp;جزیره‌ها</h1><p>ارسال به قشم با هواپیما "
        "<b>۱۶۰&nbsp;هزار&nbsp;تومان</b> است.<br/>بسته&zwnj;ها سه‌شنبه می&zwnj;روند.</p>"
        "<footer>&copy; فروشگاه رها</footer>"
    )
    await shop.learn(Page("راهنمای ارسال به جزیره‌ها", page, SourceType.WEBSITE))
    answer = await shop.ask("هزینه ارسال به قشم چقدره؟")
    assert "۱۶۰" in answer.text
    assert not any(mark in answer.text for mark in ("<", "&", "خانه", "کوکی", "©"))


async def test_y5_markdown_is_quoted_as_plain_words(shop: Shop) -> None:
    page = (
        "## باشگاه وفاداری\n\n**امتیاز:** هر *۵۰ هزار تومان* خرید یک امتیاز دارد.\n\n"
        "- `GOLD15` پانزده درصد برای اعضای طلایی\n"
        "- [همه‌ی شرایط](https://rahaa.example/club)"
    )
    await shop.learn(Page("باشگاه وفاداری", page, SourceType.MANUAL))
    answer = await shop.ask("امتیاز باشگاه وفاداری چطور حساب میشه؟")
    assert "۵۰ هزار تومان" in answer.text
    assert not any(mark in answer.text for mark in ("**", "##", "`", "]("))


@pytest.mark.parametrize(
    ("question", "colour"),
    [
        ("کوله 1350000 تومنی چه رنگیه؟", "سرمه‌ای"),
        ("کوله ۱٬۶۲۰٬۰۰۰ تومانی چه رنگیه؟", "خاکی"),
        ("کوله ۸۷۰۰۰۰ تومانی چه رنگیه؟", "زرد"),
        ("کوله ۸۷۰ هزار تومنی چه رنگیه؟", "زرد"),
    ],
)
async def test_a_price_is_one_number_however_it_is_grouped(
    shop: Shop, question: str, colour: str
) -> None:
    await shop.learn(
        *(
            Page(f"کوله مدل {name}", f"کوله برزنتی. {rest}", SourceType.PRODUCTS)
            for name, rest in (
                ("یک", "قیمت ۱٫۳۵۰٫۰۰۰ تومان. رنگ سرمه‌ای."),
                ("دو", "قیمت 1.620.000 تومان. رنگ خاکی."),
                ("سه", "قیمت ۸۷۰ ۰۰۰ تومان. رنگ زرد."),
            )
        )
    )
    assert colour in (await shop.ask(question)).text


async def test_y6_a_sentence_that_lines_broke_is_quoted_whole(shop: Shop) -> None:
    page = (
        "مشتری می‌تواند کالای سالم را ظرف ده روز برگرداند و هزینه‌ی\n"
        "پست آن با فروشگاه است. کیفی را که خیس شده یا خط افتاده\n"
        "باشد فروشگاه به هیچ وجه تعویض نمی‌کند مگر آن که دوخت آن\n"
        "ایراد داشته باشد. برای دستکش و کلاه به دلایل بهداشتی\n"
        "امکان بازگشت وجود ندارد حتی اگر استفاده نشده باشد."
    )
    await shop.learn(Page("شرایط تعویض", page, SourceType.MANUAL))
    answer = await shop.ask("کیفی که خیس شده رو تعویض می‌کنید؟")
    assert "تعویض نمی‌کند مگر آن که دوخت آن ایراد داشته باشد" in answer.text
    gloves = await shop.ask("دستکش رو میشه برگردوند؟")
    assert "وجود ندارد" in gloves.text


async def test_y8_persian_in_latin_letters_is_answered_in_persian(shop: Shop) -> None:
    answer = await shop.ask("salam, hazine ersal be tabriz chande?")
    assert "۷۲ هزار تومان" in answer.text
    thanks = await shop.ask("mersi, khodahafez")
    assert thanks.text in (prompts.FAREWELL["fa"], prompts.WELCOME["fa"])
    unknown = await shop.ask("shoma ghooreme sabzi ham mipazid?")
    assert unknown.text == prompts.HANDOVER["fa"]


@pytest.mark.parametrize(
    "texts",
    [
        ["درود بر شما، خیلی ممنون 🌷"] * 5,
        [f"سلام، خیلی ممنون 🌷 ({n})" for n in range(1, 6)],
        [f"سلام و سپاس از شما، 10:0{n}" for n in range(5)],
    ],
)
async def test_y7_who_only_sends_automatic_texts_is_answered_twice_at_most(
    shop: Shop, texts: Sequence[str]
) -> None:
    talk = shop.meet()
    for number, text in enumerate(texts, start=1):
        await talk.say(text)
        await wait_for_count(shop.pool, SETTLED, 1, talk.id, number)
    assert await shop.pool.fetchval(HANDED_OVER, talk.id) == 1
    assert await shop.pool.fetchval(AI_MESSAGES, talk.id) <= 2
    said = "SELECT count(*) FROM messages WHERE conversation_id = $1 AND type = $2"
    assert await shop.pool.fetchval(said, talk.id, "customer") == len(texts)


async def test_y7_the_third_equal_text_gets_no_reply_at_all(shop: Shop) -> None:
    talk = shop.meet()
    for _ in range(2):
        assert (await talk.ask("سلام، ممنون از شما 🌷")).is_led_by_ai
    await talk.say("سلام ممنون از شما 🌹🌹")
    await wait_for_count(shop.pool, HANDED_OVER, 1, talk.id)
    assert await shop.pool.fetchval(AI_MESSAGES, talk.id) == 2


async def test_y7_one_question_about_two_posts_is_answered_twice(shop: Shop) -> None:
    talk = shop.meet()
    for title, price in (
        ("پیراهن کتان رها", "۱٬۴۵۰٬۰۰۰"),
        ("شومیز ابریشمی باران", "۶۹۰٬۰۰۰"),
        ("پیراهن کتان رها", "۱٬۴۵۰٬۰۰۰"),
    ):
        await talk.share(f"عنوان: {title}")
        assert price in (await talk.ask("چنده؟")).text


async def test_a_persons_message_that_is_replied_to_is_the_subject(shop: Shop) -> None:
    talk = shop.meet()
    await talk.ask("سلام")
    words = "شومیز ابریشمی باران امروز رسید."
    await shop.shards.submit(
        OperatorAnswered(
            id=EventId(uuid4()),
            conversation_id=talk.id,
            at=SystemClock().now(),
            user_id=UserId(uuid4()),
            text=words,
        )
    )
    await shop.shards.submit(
        ConversationRedirected(
            id=EventId(uuid4()),
            conversation_id=talk.id,
            at=SystemClock().now(),
            user_id=UserId(uuid4()),
            destination=Destination.AI,
        )
    )
    assert "۶۹۰٬۰۰۰" in (await talk.ask("این چنده؟", referred=words)).text
