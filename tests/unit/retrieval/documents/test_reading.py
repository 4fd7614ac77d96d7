"""Documents as shops write them, read into blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.documents.blocks import Block, BlockKind
from retrieval.documents.reading import read_blocks


def texts(text: str, kind: BlockKind | None = None, title: str = "") -> list[str]:
    return [
        block.text
        for block in read_blocks(text, title)
        if kind is None or block.kind is kind
    ]


def pairs(text: str) -> list[tuple[str, str]]:
    return [
        (block.question, block.text) for block in read_blocks(text) if block.question
    ]


@pytest.mark.parametrize(
    "text",
    [
        "س: گل را کجا می‌برید؟\nج: همه‌ی محله‌ها.\n\nس: شب هم؟\nج: تا ساعت ده.",
        "**گل را کجا می‌برید؟**\nهمه‌ی محله‌ها.\n\n**شب هم؟**\nتا ساعت ده.",
        "1) گل را کجا می‌برید؟\nهمه‌ی محله‌ها.\n2) شب هم؟\nتا ساعت ده.",
        "۱- گل را کجا می‌برید؟\nهمه‌ی محله‌ها.\n۲- شب هم؟\nتا ساعت ده.",
        "## گل را کجا می‌برید؟\n\nهمه‌ی محله‌ها.\n\n## شب هم؟\n\nتا ساعت ده.",
        "گل را کجا می‌برید؟\n\nهمه‌ی محله‌ها.\n\nشب هم؟\n\nتا ساعت ده.",
        "پرسش : گل را کجا می‌برید؟\nپاسخ : همه‌ی محله‌ها.\n"
        "سوال: شب هم؟\nجواب: تا ساعت ده.",
        "<dl><dt>گل را کجا می‌برید؟</dt><dd>همه‌ی محله‌ها.</dd>"
        "<dt>شب هم؟</dt><dd>تا ساعت ده.</dd></dl>",
        "<div><details><summary>گل را کجا می‌برید؟</summary>"
        "<p>همه‌ی محله‌ها.</p></details>"
        "<details><summary>شب هم؟</summary>تا ساعت ده.</details></div>",
        "<h3>گل را کجا می‌برید؟</h3><p>همه‌ی محله‌ها.</p>"
        "<h3>شب هم؟</h3><p>تا ساعت ده.</p>",
    ],
)
def test_a_question_and_its_answer_are_one_block(text: str) -> None:
    assert pairs(text) == [
        ("گل را کجا می‌برید؟", "همه‌ی محله‌ها."),
        ("شب هم؟", "تا ساعت ده."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "| دسته | شاخه | قیمت |\n|---|---|---|\n"
        "| رز | ۲۰ | ۴۸۰٬۰۰۰ |\n| مریم | ۱۲ | ۳۵۰٬۰۰۰ |",
        "دسته\tشاخه\tقیمت\nرز\t۲۰\t۴۸۰٬۰۰۰\nمریم\t۱۲\t۳۵۰٬۰۰۰",
        "دسته,شاخه,قیمت\nرز,۲۰,۴۸۰٬۰۰۰\nمریم,۱۲,۳۵۰٬۰۰۰",
        "خروجی اکسل\nدسته;شاخه;قیمت\nرز;۲۰;۴۸۰٬۰۰۰\nمریم;۱۲;۳۵۰٬۰۰۰\nقیمت‌ها امروز است.",
        "<table><tr><th>دسته</th><th>شاخه</th><th>قیمت</th></tr>"
        "<tr><td>رز</td><td>۲۰</td><td>۴۸۰٬۰۰۰</td></tr>"
        "<tr><td>مریم</td><td>۱۲</td><td>۳۵۰٬۰۰۰</td></tr></table>",
    ],
)
def test_every_row_of_a_table_keeps_its_column_names(text: str) -> None:
    rows = [b for b in read_blocks(text) if b.kind is BlockKind.TABLE_ROW]
    assert [[cell.value for cell in row.cells] for row in rows] == [
        ["رز", "۲۰", "۴۸۰٬۰۰۰"],
        ["مریم", "۱۲", "۳۵۰٬۰۰۰"],
    ]
    assert rows[0].text == "دسته: رز، شاخه: ۲۰، قیمت: ۴۸۰٬۰۰۰"


def test_figures_with_commas_are_no_table() -> None:
    text = (
        "گلدان کوچک 620,000 تومان\nگلدان بزرگ 860,000 تومان\nگلدان سنگی 940,000 تومان"
    )
    assert texts(text, BlockKind.TABLE_ROW) == []
    assert texts(text) == text.split("\n")


def test_sizes_with_stars_keep_their_figures() -> None:
    assert texts("سایزها 50*70 و 40*60 سانتی‌متر است.") == [
        "سایزها 50*70 و 40*60 سانتی‌متر است."
    ]


def test_a_sentence_that_a_page_broke_keeps_its_not() -> None:
    text = (
        "شرایط نگهداری گل\n\n"
        "گل‌های بریده را در آفتاب مستقیم نگذارید. آب گلدان را هر\n"
        "دو روز عوض کنید. گلی که یخ زده است پس گرفته\n"
        "نمی‌شود، مگر این‌که همان روز خبر بدهید.\n\n"
        "صفحه ۱ از ۲\n\n"
        "ساقه را کج ببرید و برگ‌های پایین را\n"
        "بکنید. کود را با آب سرد حل نمی‌\n"
        "کنند.\n\n"
        "گل‌فروشی نرگس | صفحه ۲ از ۲"
    )
    assert texts(text, BlockKind.PARAGRAPH) == [
        "گل‌های بریده را در آفتاب مستقیم نگذارید. آب گلدان را هر دو روز عوض کنید. "
        "گلی که یخ زده است پس گرفته نمی‌شود، مگر این‌که همان روز خبر بدهید.",
        "ساقه را کج ببرید و برگ‌های پایین را بکنید. کود را با آب سرد حل نمی‌کنند.",
    ]


def test_a_sentence_goes_on_over_a_page_break() -> None:
    text = "هزینه‌ی نصب جدا حساب می‌شود. مهلت پرداخت\n\n- ۱ -\n\nسه روز کاری است."
    assert texts(text) == ["هزینه‌ی نصب جدا حساب می‌شود. مهلت پرداخت سه روز کاری است."]


def test_lines_that_each_say_one_thing_stay_apart() -> None:
    text = "گل رز: شاخه‌ای ۳۰ هزار تومان\nگل مریم: شاخه‌ای ۲۵ هزار تومان\nجمعه‌ها تعطیلیم"
    assert texts(text, BlockKind.LIST_ITEM) == text.split("\n")


@pytest.mark.parametrize(
    "mark", ["- ", "* ", "• ", "✅ ", "🔸 ", "⏰ ", "1. ", "۲) ", "3- "]
)
def test_the_mark_of_a_list_is_no_part_of_its_item(mark: str) -> None:
    assert texts(f"خدمات ما\n\n{mark}نصب گلدان\n{mark}هرس درخت")[1:] == [
        "نصب گلدان",
        "هرس درخت",
    ]


def test_a_range_is_no_mark_of_a_list() -> None:
    assert texts("3- 5 روز کاری طول می‌کشد.") == ["3- 5 روز کاری طول می‌کشد."]


def test_a_page_is_read_without_its_menu_notice_and_footer() -> None:
    page = """<!doctype html><html><head><title>گل</title><style>p{}</style></head>
    <body>
    <nav><a href="/">خانه</a></nav>
    <div class="cookie-bar">این سایت از کوکی استفاده می‌کند.</div>
    <main><h1>ارسال گل</h1><p>تا ساعت ۱۸ <b>همان روز</b> می‌رسد.<br>بعد از آن فردا.</p>
    <ul><li>شمال شهر: ۵۰ هزار تومان</li>
    <li><a href="https://gol.example/map">نقشه</a></li></ul>
    </main><footer>تماس با ما</footer>
    <script>var a = "<p>no</p>";</script></body></html>"""
    assert texts(page) == [
        "ارسال گل",
        "تا ساعت ۱۸ همان روز می‌رسد.",
        "بعد از آن فردا.",
        "شمال شهر: ۵۰ هزار تومان",
        "نقشه (https://gol.example/map)",
    ]


def test_blocks_know_the_headings_above_them() -> None:
    text = "# گل‌فروشی\n\n## ارسال\n\nرایگان است.\n\n## مرجوعی\n\nنداریم."
    by_text = {block.text: block.headings for block in read_blocks(text)}
    assert by_text["رایگان است."] == ("گل‌فروشی", "ارسال")
    assert by_text["نداریم."] == ("گل‌فروشی", "مرجوعی")


def test_a_first_line_that_repeats_the_title_is_a_heading() -> None:
    text = "گلدان سفالی نرگس\nقیمت: ۱۸۰ هزار تومان\nرنگ: خاکی"
    kinds = [block.kind for block in read_blocks(text, "گلدان سفالی")]
    assert kinds == [BlockKind.HEADING, BlockKind.PRODUCT]


def test_markup_is_taken_off_and_links_stay() -> None:
    text = "قیمت **ویژه** را در [فروشگاه](https://gol.example/shop) یا `کانال` ببینید."
    assert texts(text) == [
        "قیمت ویژه را در فروشگاه (https://gol.example/shop) یا کانال ببینید."
    ]


def test_presentation_forms_are_folded() -> None:
    assert texts("ﻗﯿﻤﺖ ﮔﻞ") == ["قیمت گل"]


def test_a_question_without_an_answer_is_not_lost() -> None:
    assert read_blocks("سوالی دارید؟") == (Block(BlockKind.PARAGRAPH, "سوالی دارید؟"),)


@given(st.text(alphabet="ابپ ۱2,;|\t\n.؟?:-*#<>p/\u200cسج()[]`_", max_size=200))
def test_no_letter_of_any_text_is_lost(text: str) -> None:
    said = "".join(
        block.question + block.text + "".join(cell.name for cell in block.cells)
        for block in read_blocks(text)
    )
    # What looks like a tag may go; marks of lists and pairs hold no letter pe.
    assert text.count("پ") <= said.count("پ") or "<" in text


@pytest.mark.parametrize("text", ["", "   \n\n ", "\f", "<p></p><p></p>"])
def test_nothing_has_no_blocks(text: str) -> None:
    assert read_blocks(text) == ()
