"""More kinds of what shops hand in: attributes, leads, spanning cells, JSON-LD."""

import pytest

from retrieval.documents.blocks import Block, BlockKind
from retrieval.documents.reading import read_blocks


def rows(text: str) -> list[list[tuple[str, str]]]:
    return [
        [(cell.name, cell.value) for cell in block.cells]
        for block in read_blocks(text)
        if block.kind is BlockKind.TABLE_ROW
    ]


def under(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """List what is no heading, with the headings above it."""
    return [
        (block.text, block.headings)
        for block in read_blocks(text)
        if block.kind is not BlockKind.HEADING
    ]


def pairs(text: str) -> list[tuple[str, str]]:
    return [(b.question, b.text) for b in read_blocks(text) if b.kind is BlockKind.PAIR]


def test_spanning_cells_and_heads_of_two_rows_are_written_out() -> None:
    page = (
        '<table><tr><th rowspan="2">گل</th><th colspan="2">قیمت</th></tr>'
        "<tr><th>تکی</th><th>دسته</th></tr>"
        '<tr><td rowspan="2">رز</td><td>۲۰</td><td>۱۸۰</td></tr>'
        "<tr><td>۲۲</td><td>۱۹۰</td></tr></table>"
    )
    assert rows(page) == [
        [("گل", "رز"), ("قیمت تکی", "۲۰"), ("قیمت دسته", "۱۸۰")],
        [("گل", "رز"), ("قیمت تکی", "۲۲"), ("قیمت دسته", "۱۹۰")],
    ]


def test_names_of_rows_stay_with_their_cells() -> None:
    page = (
        "<table><tr><td></td><th>معمولی</th><th>ویژه</th></tr>"
        "<tr><th>گارانتی</th><td>ندارد</td><td>دارد</td></tr></table>"
    )
    assert rows(page) == [[("", "گارانتی"), ("معمولی", "ندارد"), ("ویژه", "دارد")]]


@pytest.mark.parametrize(
    "text",
    [
        "| شهر | روش | هزینه |\n|---|---|---|\n| شیراز | پیک | ۴۵ |\n"
        "| شهر | روش | هزینه |\n| | پست | ۶۵ |",
        "شهر,روش,هزینه\nشیراز,پیک,۴۵\n,پست,۶۵",
        "| شهر | روش | هزینه |\n| شیراز | پیک | ۴۵ |\n| | پست | ۶۵ |",
        "شهر | روش | هزینه\nشیراز | پیک | ۴۵\nشیراز | پست | ۶۵",
        "شهر\tروش\tهزینه\nشیراز\tپیک\t۴۵\nشیراز\tپست\t۶۵",
    ],
)
def test_merged_cells_carry_down_and_no_separator_line_is_needed(text: str) -> None:
    assert rows(text) == [
        [("شهر", "شیراز"), ("روش", "پیک"), ("هزینه", "۴۵")],
        [("شهر", "شیراز"), ("روش", "پست"), ("هزینه", "۶۵")],
    ]


def test_the_last_row_of_a_long_pasted_table_keeps_its_header() -> None:
    lines = [f"{n},{n + 46},{n + 38}" for n in range(34, 400, 2)]
    text = "\n".join(["سایز,دور سینه,دور کمر", *lines])
    last = [("سایز", "398"), ("دور سینه", "444"), ("دور کمر", "436")]
    assert rows(text)[-1] == last


def test_pasted_rows_without_a_header_are_rows_all_the_same() -> None:
    text = "مانتو لینن\t۳۸\t۱٬۲۸۰٬۰۰۰\nشومیز\t۴۰\t۵۸۰٬۰۰۰"
    assert rows(text)[1] == [("", "شومیز"), ("", "۴۰"), ("", "۵۸۰٬۰۰۰")]


@pytest.mark.parametrize(
    "table",
    [
        "<h2>گلدان</h2><table><tr><th>ارتفاع</th><td>۳۰ سانت</td></tr>"
        "<tr><th>رنگ</th><td>قرمز</td></tr></table>",
        "<h2>گلدان</h2><table><tr><td>ارتفاع</td><td>۳۰ سانت</td></tr>"
        "<tr><td>رنگ</td><td>قرمز</td></tr></table>",
        "## گلدان\n\n| ویژگی | مقدار |\n|---|---|\n| ارتفاع | ۳۰ سانت |\n"
        "| رنگ | قرمز |",
        "## گلدان\n\n| ارتفاع | ۳۰ سانت |\n|---|---|\n| رنگ | قرمز |",
    ],
)
def test_each_attribute_of_a_table_is_one_cell_below_the_product(table: str) -> None:
    assert rows(table) == [[("ارتفاع", "۳۰ سانت")], [("رنگ", "قرمز")]]
    assert {block.headings for block in read_blocks(table)[1:]} == {("گلدان",)}


def test_two_columns_of_things_and_prices_are_no_attributes() -> None:
    page = (
        "<table><tr><td>گل</td><td>قیمت</td></tr><tr><td>رز</td><td>۲۰</td></tr>"
        "<tr><td>مریم</td><td>۳۰</td></tr></table>"
    )
    assert rows(page) == [
        [("گل", "رز"), ("قیمت", "۲۰")],
        [("گل", "مریم"), ("قیمت", "۳۰")],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "کیف رها\n\nجنس: چرم گاوی\nقیمت: ۹۸۰ هزار تومان\nدست‌دوز است.",
        "## کیف رها\n\n- جنس: چرم گاوی\n- قیمت: ۹۸۰ هزار تومان\n\nدست‌دوز است.",
        "<h1>کیف رها</h1><dl><dt>جنس</dt><dd>چرم گاوی</dd><dt>قیمت</dt>"
        "<dd>۹۸۰ هزار تومان</dd></dl><p>دست‌دوز است.</p>",
        "<h1>کیف رها</h1><ul><li>جنس: چرم گاوی</li><li>قیمت: ۹۸۰ هزار تومان</li></ul>"
        "<p>دست‌دوز است.</p>",
    ],
)
def test_attributes_below_a_name_are_a_product(text: str) -> None:
    _, product, note = read_blocks(text)
    assert product.kind is BlockKind.PRODUCT
    assert product.headings == ("کیف رها",)
    assert [(cell.name, cell.value) for cell in product.cells] == [
        ("جنس", "چرم گاوی"),
        ("قیمت", "۹۸۰ هزار تومان"),
    ]
    assert product.text == "جنس: چرم گاوی\nقیمت: ۹۸۰ هزار تومان"
    assert note.text == "دست‌دوز است."


@pytest.mark.parametrize(
    "text",
    [
        "رز: ۲۰ هزار تومان\nمریم: ۳۰ هزار تومان\nلاله: ۴۰ هزار تومان",
        "قیمت رز: ۲۰ هزار تومان\nقیمت مریم: ۳۰ هزار تومان",
        "سایز ۳۸: دور کمر ۷۶\nسایز ۴۰: دور کمر ۸۰",
        "شنبه: ۹:۳۰ تا ۱۷\nیکشنبه: تعطیل",
    ],
)
def test_a_price_list_is_a_line_for_each_thing(text: str) -> None:
    blocks = read_blocks(text)
    assert {block.kind for block in blocks} == {BlockKind.LIST_ITEM}
    assert [block.text for block in blocks] == text.split("\n")


@pytest.mark.parametrize(
    "text",
    [
        "روش‌های ارسال:\n- پست\n- پیک\n\nهمه بیمه دارند.",
        "روش‌های ارسال:\n\n۱. پست\n۲. پیک\n\nهمه بیمه دارند.",
        "روش‌های ارسال:\nپست\nپیک\n\nهمه بیمه دارند.",
        "<p>روش‌های ارسال:</p><ul><li>پست</li><li>پیک</li></ul><p>همه بیمه دارند.</p>",
    ],
)
def test_items_keep_the_line_that_leads_to_them(text: str) -> None:
    assert under(text) == [
        ("پست", ("روش‌های ارسال",)),
        ("پیک", ("روش‌های ارسال",)),
        ("همه بیمه دارند.", ()),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "- تهران\n  - پیک: فردا\n  - پست: سه روز\n- شیراز: امروز",
        "<ul><li>تهران<ul><li>پیک: فردا</li><li>پست: سه روز</li></ul></li>"
        "<li>شیراز: امروز</li></ul>",
    ],
)
def test_inner_items_stand_below_the_item_around_them(text: str) -> None:
    assert under(text) == [
        ("تهران", ()),
        ("پیک: فردا", ("تهران",)),
        ("پست: سه روز", ("تهران",)),
        ("شیراز: امروز", ()),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "کی میرسه دستم\nسه روز بعد.\n\nشب هم میارید\nبله تا ده شب.",
        "کی میرسه دستم\n\nسه روز بعد.\n\nشب هم میارید\n\nبله تا ده شب.",
        "## کی میرسه دستم\n\nسه روز بعد.\n\n## شب هم میارید\n\nبله تا ده شب.",
        '<div class="faq"><button aria-expanded="false">کی میرسه دستم</button>'
        '<div class="panel" hidden>سه روز بعد.</div>'
        '<button aria-expanded="false">شب هم میارید</button>'
        '<div class="panel" hidden>بله تا ده شب.</div></div>',
    ],
)
def test_a_question_may_lack_its_mark(text: str) -> None:
    assert pairs(text) == [
        ("کی میرسه دستم", "سه روز بعد."),
        ("شب هم میارید", "بله تا ده شب."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "تا هفت روز فرصت دارید\nهزینه پست با خریدار است",
        "چند رنگ داریم\nقرمز و سبز",
        "کیف چرم\nکفش چرم",
        "همه‌ی رنگ‌ها را داریم\nالبته سبز تمام شده است",
    ],
)
def test_statements_are_no_questions(text: str) -> None:
    assert pairs(text) == []


def test_all_that_stands_below_a_heading_that_asks_is_its_answer() -> None:
    page = (
        "<h2>سوالات</h2><h3>کی می‌رسد؟</h3><ul><li>تهران: فردا</li><li>شیراز: امروز"
        "</li></ul><h3>چطور بخرم</h3><p>از سایت.</p><p>یا تلفن.</p>"
    )
    assert pairs(page) == [
        ("کی می‌رسد؟", "تهران: فردا\nشیراز: امروز"),
        ("چطور بخرم", "از سایت.\nیا تلفن."),
    ]


FAQ = (
    '<script type="application/ld+json">{"@type": "FAQPage", "mainEntity": [{"@type": '
    '"Question", "name": "کی می‌رسد؟", "acceptedAnswer": {"text": "<p>سه روز.</p>"}}]}'
    "</script>"
)


def test_questions_of_json_ld_are_read_where_the_page_does_not_print_them() -> None:
    unseen = (
        f"<html><head>{FAQ}</head><body><main><p>خوش آمدید.</p></main></body></html>"
    )
    assert pairs(unseen) == [("کی می‌رسد؟", "سه روز.")]
    printed = f"<html><body>{FAQ}<h3>کی می‌رسد؟</h3><p>سه روز.</p></body></html>"
    assert pairs(printed) == [("کی می‌رسد؟", "سه روز.")]


def test_a_product_of_json_ld_is_a_product() -> None:
    data = (
        '{"@graph": [{"@type": "Product", "name": "کیف رها", "color": ["قهوه‌ای"], '
        '"offers": {"price": 980000, "priceCurrency": "IRT", "availability": '
        '"https://schema.org/InStock"}}, {"@type": "WebSite", "name": "فروشگاه"}]}'
    )
    page = (
        f'<p>سلام.</p><script type="application/ld+json">{data}</script><p>بمانید.</p>'
    )
    assert read_blocks(page)[-1] == Block(
        BlockKind.PRODUCT,
        "رنگ: قهوه‌ای\nقیمت: 980000 تومان\nموجودی: موجود",
        ("کیف رها",),
        cells=read_blocks(page)[-1].cells,
    )
    broken = (
        '<p>سلام.</p><script type="application/ld+json">{"@type"</script><p>بیا.</p>'
    )
    assert [block.text for block in read_blocks(broken)] == ["سلام.", "بیا."]


@pytest.mark.parametrize(
    "heading",
    [
        "## 📦 ارسال و تحویل 🚚✨",
        "🌸🌸 ارسال و تحویل 🌸🌸",
        "*** ارسال و تحویل ***",
        "📦 ارسال و تحویل",
        "== ارسال و تحویل ==",
        "✦ ارسال و تحویل ✦",
        "<h2>⭐ ارسال و تحویل ⭐</h2><p></p>",
    ],
)
def test_a_heading_is_read_without_its_decoration(heading: str) -> None:
    body = "<p>سه روز است.</p>" if heading.startswith("<") else "سه روز است."
    first, second = read_blocks(f"{heading}\n\n{body}")
    assert (first.kind, first.text) == (BlockKind.HEADING, "ارسال و تحویل")
    assert second.headings == ("ارسال و تحویل",)


def test_items_with_pictures_before_them_are_no_headings() -> None:
    text = "✅ ارسال رایگان\n\n✅ ضمانت بازگشت\n\n✅ پشتیبانی"
    blocks = read_blocks(text)
    assert {block.kind for block in blocks} == {BlockKind.LIST_ITEM}


def test_a_line_of_marks_alone_is_nothing() -> None:
    assert [b.text for b in read_blocks("یک.\n\n➖➖➖➖\n\nدو.\n\n🌸🌸")] == [
        "یک.",
        "دو.",
    ]
