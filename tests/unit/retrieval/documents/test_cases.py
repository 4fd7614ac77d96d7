"""What shops paste, after bug reports: no markup, whole rows, whole sentences."""

from retrieval.documents.blocks import BlockKind
from retrieval.documents.chunking import chunk_document
from retrieval.documents.reading import read_blocks

COLUMNS = ("سایز", "دور سینه", "دور کمر", "دور باسن", "قد لباس")


def test_every_row_of_a_size_table_is_a_chunk_with_its_columns() -> None:
    sizes = range(34, 74, 2)
    lines = (f"| {n} | {n + 46} | {n + 38} | {n + 50} | {n // 2 + 83} |" for n in sizes)
    text = "\n".join([f"| {' | '.join(COLUMNS)} |", "|---|---|---|---|---|", *lines])
    parents = chunk_document("جدول سایز", text, lambda words: len(words.split()))
    chunks = [chunk for parent in parents for chunk in parent.chunks]
    assert len(chunks) == len(sizes)
    assert {tuple(c.name for c in chunk.block.cells) for chunk in chunks} == {COLUMNS}
    assert chunks[12].text == (
        "سایز: 58، دور سینه: 104، دور کمر: 96، دور باسن: 108، قد لباس: 112"
    )


def test_a_pasted_page_is_its_words() -> None:
    page = (
        '<nav><ul><li><a href="/">خانه</a></li><li>ورود&nbsp;|&nbsp;عضویت</li>'
        '</ul></nav><div class="cookie">این سایت کوکی دارد. <button>قبول</button></div>'
        "<h1>ارسال&nbsp;و&nbsp;تحویل</h1><p>به کیش <b>۱۴۵&nbsp;هزار&nbsp;تومان</b> است."
        "<br/>بسته&zwnj;ها چهارشنبه می&zwnj;روند.</p><footer>&copy; فروشگاه</footer>"
    )
    assert [block.text for block in read_blocks(page)] == [
        "ارسال و تحویل",
        "به کیش ۱۴۵ هزار تومان است.",
        "بسته‌ها چهارشنبه می‌روند.",
    ]


def test_a_page_of_divisions_alone_is_read() -> None:
    page = (
        '<div class="page"><div>ارسال</div><div><div>به کیش ۱۴۵ هزار تومان.</div>'
        "<div>هر چهارشنبه.</div></div><div><span>تلفن:</span> "
        "<span>۰۲۱</span></div></div>"
    )
    assert [(block.kind, block.text) for block in read_blocks(page)] == [
        (BlockKind.HEADING, "ارسال"),
        (BlockKind.PARAGRAPH, "به کیش ۱۴۵ هزار تومان."),
        (BlockKind.PARAGRAPH, "هر چهارشنبه."),
        (BlockKind.PARAGRAPH, "تلفن: ۰۲۱"),
    ]


def test_marks_of_markdown_go_and_figures_and_links_stay() -> None:
    text = (
        "## باشگاه\n\n**هر خرید:** هر *۱۰۰ هزار تومان* یک امتیاز، سایز 50*70.\n\n"
        "- `VIP20` بیست درصد\n- [شرایط](https://shop.example/club)"
    )
    assert [block.text for block in read_blocks(text)] == [
        "باشگاه",
        "هر خرید: هر ۱۰۰ هزار تومان یک امتیاز، سایز 50*70.",
        "VIP20 بیست درصد",
        "شرایط (https://shop.example/club)",
    ]


def test_sentences_that_a_page_broke_are_whole() -> None:
    text = (
        "خریدار می‌تواند کالای سالم را ظرف هفت روز\nبرگرداند. کالایی که شسته شده باشد\n"
        "را پس نمی‌گیریم مگر این که\nایراد دوخت داشته باشد. برای\n"
        "جوراب امکان بازگشت\nوجود ندارد حتی اگر باز نشده باشد."
    )
    (block,) = read_blocks(text)
    assert block.kind is BlockKind.PARAGRAPH
    assert block.text == text.replace("\n", " ")
