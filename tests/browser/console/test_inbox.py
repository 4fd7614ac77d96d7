"""The inbox in a real browser: what an operator does all day."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser.console.conftest import PASSWORD, Console, needs_scripts

pytestmark = pytest.mark.browser

TAKE_OVER, GIVE_BACK = "خودم پاسخ می‌دهم", "برگرداندن به دستیار"


def watch(page: Page) -> list[str]:
    """Collect what goes wrong in a page."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda said: problems.append(said.text) if said.type == "error" else None,
    )
    return problems


async def answer(page: Page, text: str) -> None:
    await page.locator("form.answer textarea").fill(text)
    await page.locator("form.answer button.primary").click()


async def test_a_wrong_password_is_told_and_the_right_one_leads_to_the_page(
    console: Console,
) -> None:
    conversation = await console.write("c1", "سلام")
    context = await console.open_context()
    page = await context.new_page()
    await page.goto(f"{console.url}/console/inbox/closed/{conversation}")
    await page.get_by_label("نام کاربری").fill("sara")
    await page.get_by_label("گذرواژه").fill("not her password")
    await page.get_by_role("button", name="ورود").click()
    await expect(page.get_by_role("alert")).to_contain_text("درست نیست")
    await page.get_by_label("گذرواژه").fill(PASSWORD)
    await page.get_by_role("button", name="ورود").click()
    await page.wait_for_url(f"**/console/inbox/closed/{conversation}")


@needs_scripts
async def test_a_message_arrives_in_the_list_and_in_the_thread_without_a_reload(
    console: Console,
) -> None:
    first = await console.write("c1", "سلام، ارسال به شیراز چند روزه؟")
    page = await console.open()
    problems = watch(page)
    await page.goto(f"{console.url}/console/inbox/led_by_ai/{first}")
    await expect(page.locator(".item")).to_have_count(1)
    await console.write("c1", "راستی، بسته‌بندی هدیه دارید؟", "m2")
    await console.write("c2", "قیمت پالتو چنده؟")
    await expect(page.locator(".item").nth(1)).to_contain_text("بسته‌بندی هدیه")
    await expect(page.locator(".row")).to_have_count(2)
    await expect(page.locator("#count-led_by_ai")).to_have_text("۲")
    assert problems == []


async def test_a_take_over_an_answer_and_the_way_back_to_the_assistant(
    console: Console,
) -> None:
    first = await console.write("c1", "سلام، ارسال به شیراز چند روزه؟")
    page = await console.open()
    problems = watch(page)
    await page.goto(f"{console.url}/console/inbox/led_by_ai/{first}")
    await page.get_by_role("button", name=TAKE_OVER).click()
    await expect(page.get_by_text("شما پاسخ می‌دهید")).to_be_visible()
    # The list follows: the conversation left the view of the assistant.
    await expect(page.locator(".row")).to_have_count(0)
    await answer(page, "سلام! دو تا سه روز کاری.")
    await expect(page.locator(".by-support .delivery")).to_have_text("رسید")
    await expect(page.locator("form.answer textarea")).to_have_value("")
    await page.get_by_role("button", name=GIVE_BACK).click()
    await expect(page.get_by_text("دستیار پاسخ می‌دهد")).to_be_visible()
    await expect(page.locator(".row")).to_have_count(1)
    assert problems == []


async def test_an_answer_that_was_overtaken_shows_what_came_and_can_be_sent_anyway(
    console: Console,
) -> None:
    first = await console.write("c1", "سلام، پالتو دارید؟")
    page = await console.open(java_script_enabled=False)
    await page.goto(f"{console.url}/console/inbox/led_by_ai/{first}")
    await console.write("c1", "منصرف شدم، ممنون", "m2")
    await answer(page, "بله، داریم.")
    await expect(page.get_by_role("alert")).to_contain_text("منصرف شدم")
    await expect(page.locator(".by-support")).to_have_count(0)
    await expect(page.locator("form.answer textarea")).to_have_value("بله، داریم.")
    await page.get_by_role("button", name="با این حال بفرست").click()
    await expect(page.locator(".by-support")).to_contain_text("بله، داریم.")


async def test_without_scripts_every_form_works(console: Console) -> None:
    first = await console.write("c1", "سلام")
    page = await console.open(java_script_enabled=False)
    await page.goto(f"{console.url}/console/inbox/led_by_ai/{first}")
    await page.get_by_role("button", name=TAKE_OVER).click()
    await expect(page.get_by_role("button", name=GIVE_BACK)).to_be_visible()
    await page.get_by_role("button", name="با من", exact=True).click()
    await page.get_by_role("link", name="برای من").click()
    await expect(page.locator(".row")).to_have_count(1)
    await page.locator(".row a").click()
    await page.get_by_text("سپردن به").click()
    await page.get_by_role("button", name="فروش").click()
    await expect(page.locator(".row .tag", has_text="فروش")).to_be_visible()
    await page.get_by_role("button", name="بستن گفت‌وگو").click()
    await expect(page.get_by_role("button", name="باز کردن دوباره")).to_be_visible()
    await page.get_by_role("button", name="خروج").click()
    await expect(page.get_by_role("button", name="ورود")).to_be_visible()
    await page.goto(f"{console.url}/console/inbox/mine")
    await expect(page.get_by_role("button", name="ورود")).to_be_visible()


@needs_scripts
async def test_a_note_is_seen_by_colleagues_and_sent_to_nobody(
    console: Console,
) -> None:
    first = await console.write("c1", "سلام")
    await console.add_operator("omid")
    page, other = await console.open(), await console.open("omid")
    for window in (page, other):
        await window.goto(f"{console.url}/console/inbox/led_by_ai/{first}")
    await page.get_by_text("یادداشت", exact=True).click()
    await page.locator("form.note textarea").fill("این مشتری همیشگی ماست.")
    await page.get_by_role("button", name="ثبت یادداشت").click()
    for window in (page, other):
        await expect(window.locator("li.note")).to_contain_text("همیشگی")
        await expect(window.locator("li.note")).to_contain_text("sara")
    assert await console.api.pool.fetchval("SELECT count(*) FROM outbox") == 0


@needs_scripts
async def test_complaint_4_no_row_moves_under_the_pointer(console: Console) -> None:
    for n in range(12):
        await console.write(f"c{n}", f"پیام {n}")
    page = await console.open()
    await page.goto(f"{console.url}/console/inbox/led_by_ai")
    row = page.locator(".row").nth(4)
    wanted = await row.get_attribute("id")
    await row.hover()
    before = await row.bounding_box()
    for n in range(12, 15):
        await console.write(f"c{n}", f"پیام {n}")
    await console.write("c0", "پیام دیگر", "m2")
    await expect(page.locator("#changes")).to_contain_text("۳")
    assert await page.locator(f"#{wanted}").bounding_box() == before
    await page.mouse.down()
    await page.mouse.up()
    await page.wait_for_url(f"**/{(wanted or '').removeprefix('row-')}")
    await page.locator("form.answer textarea").hover()
    await expect(page.locator(".row")).to_have_count(15)


@needs_scripts
async def test_complaint_5_keys_work_on_a_persian_layout_and_never_eat_letters(
    console: Console,
) -> None:
    for n in range(3):
        await console.write(f"c{n}", f"پیام {n}")
    page = await console.open()
    await page.goto(f"{console.url}/console/inbox/led_by_ai")
    press = """([key, code, target]) => document.querySelector(target).dispatchEvent(
        new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true }))"""
    first = await page.locator(".row").nth(0).get_attribute("id") or ""
    second = await page.locator(".row").nth(1).get_attribute("id") or ""
    await page.evaluate(press, ["ت", "KeyJ", "body"])
    await page.wait_for_url(f"**/{first.removeprefix('row-')}")
    await page.evaluate(press, ["ت", "KeyJ", "body"])
    await page.wait_for_url(f"**/{second.removeprefix('row-')}")
    # In the box a letter is a letter.
    box = page.locator("form.answer textarea")
    await box.fill("")
    await box.press_sequentially("jkreu")
    await expect(box).to_have_value("jkreu")
    assert second.removeprefix("row-") in page.url


@needs_scripts
async def test_complaint_6_a_draft_stays_with_its_conversation_and_its_mode(
    console: Console,
) -> None:
    first = await console.write("c1", "سلام")
    second = await console.write("c2", "درود")
    page = await console.open()
    await page.goto(f"{console.url}/console/inbox/led_by_ai/{first}")
    await page.locator("form.answer textarea").fill("پاسخ نیمه‌کاره")
    await page.get_by_text("یادداشت", exact=True).click()
    await page.locator("form.note textarea").fill("یادداشت نیمه‌کاره")
    await page.locator(f"#row-{second} a").click()
    await page.wait_for_url(f"**/{second}")
    await expect(page.locator("form.answer textarea")).to_have_value("")
    await expect(page.locator("form.note textarea")).to_have_value("")
    await page.goto(f"{console.url}/console/inbox/led_by_ai/{first}")
    await expect(page.locator("form.answer textarea")).to_have_value("پاسخ نیمه‌کاره")
    await expect(page.locator("form.note textarea")).to_have_value("یادداشت نیمه‌کاره")
    await page.locator("form.answer button.primary").click()
    await expect(page.locator(".by-support")).to_contain_text("پاسخ نیمه‌کاره")
    await page.reload()
    await expect(page.locator("form.answer textarea")).to_have_value("")
    await expect(page.locator("form.note textarea")).to_have_value("یادداشت نیمه‌کاره")


@needs_scripts
async def test_complaint_1_an_outage_is_caught_up_once_and_in_order(
    console: Console,
) -> None:
    first = await console.write("c1", "پیام ۰", "m0")
    page = await console.open()
    await page.goto(f"{console.url}/console/inbox/led_by_ai/{first}")
    await expect(page.locator(".item")).to_have_count(1)
    await console.live.cut_sockets()
    for n in range(1, 101):
        await console.write("c1", f"پیام {n}", f"m{n}")
    await expect(page.locator(".item")).to_have_count(101)
    texts = await page.locator(".item .text").all_inner_texts()
    assert [text.strip() for text in texts] == ["پیام ۰"] + [
        f"پیام {n}" for n in range(1, 101)
    ]
    await expect(page.locator("#connection")).to_have_text("")


async def test_complaint_9_texts_keep_their_order_and_overrides_are_shown(
    console: Console,
) -> None:
    text = "سفارش #12-34: https://x.example/a?b=1 ارسال شد.\nabc \u202egnp.exe"
    first = await console.write("c1", text)
    page = await console.open()
    await page.goto(f"{console.url}/console/inbox/led_by_ai/{first}")
    lines = page.locator(".item .line")
    await expect(lines).to_have_count(2)
    link = lines.nth(0).get_by_role("link")
    await expect(link).to_have_attribute("href", "https://x.example/a?b=1")
    # The link reads from left to right inside a line from right to left.
    boxes = """(line) => {
        const text = line.querySelector("a").firstChild, ends = [];
        for (const [from, to] of [[0, 1], [text.length - 1, text.length]]) {
            const range = new Range();
            range.setStart(text, from);
            range.setEnd(text, to);
            ends.push(range.getBoundingClientRect().x);
        }
        return [getComputedStyle(line).direction, ends];
    }"""
    direction, (start, end) = await lines.nth(0).evaluate(boxes)
    assert direction == "rtl"
    assert start < end
    await expect(lines.nth(1).locator(".control")).to_have_text("U+202E")
    assert "\u202e" not in await page.content()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["fa-IR", "en-US"])
async def test_axe_finds_nothing(
    console: Console, locale: str, scheme: str, width: int
) -> None:
    first = await console.write("c1", "سلام، ارسال به شیراز چند روزه؟")
    page = await console.open(
        locale=locale, color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    await page.goto(f"{console.url}/console/knowledge/new")
    await page.locator("#title").fill("قوانین ارسال")
    await page.locator("#text").fill("هزینه ارسال ۶۵ هزار تومان است.")
    await page.locator("form.fields button").click()
    await page.wait_for_url("**/knowledge/*-*")
    document = page.url.rpartition("/")[2]
    for path in (
        "sign-in",
        "inbox/closed",
        "inbox/led_by_ai",
        f"inbox/led_by_ai/{first}",
        "knowledge",
        f"knowledge/{document}",
        "knowledge/try?query=ارسال",
    ):
        await page.goto(f"{console.url}/console/{path}")
        found = await Axe().run(page, options=rules)
        assert found.violations_count == 0, found.generate_report()
        # Nothing sticks out of a small screen.
        assert await page.evaluate("document.body.scrollWidth <= innerWidth")
