"""Files of every kind that shops hand in, made here and read."""

import io
import zipfile
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.documents.blocks import BlockKind
from retrieval.documents.files import MAX_FILE_BYTES, read_file
from retrieval.documents.reading import read_blocks
from retrieval.errors import UnreadableFileError
from tests.support.files import make_docx, make_pdf, make_xlsx


def rows_of(text: str) -> list[list[str]]:
    return [
        [cell.value for cell in block.cells]
        for block in read_blocks(text)
        if block.kind is BlockKind.TABLE_ROW
    ]


def test_a_word_document_keeps_its_headings_lists_and_tables() -> None:
    blocks = read_blocks(read_file("راهنمای_ارسال.docx", make_docx()).text)
    assert [(block.kind, block.text) for block in blocks] == [
        (BlockKind.HEADING, "گل‌فروشی نرگس"),
        (BlockKind.HEADING, "ارسال"),
        (BlockKind.PARAGRAPH, "همان روز می‌رسد؛ سایز 50*70 هم داریم."),
        (BlockKind.LIST_ITEM, "شمال شهر رایگان"),
        (BlockKind.TABLE_ROW, "گل: رز، قیمت | شاخه: ۳۰٬۰۰۰"),
    ]


def test_a_workbook_is_its_tables_with_values_as_people_write_them() -> None:
    content = make_xlsx(
        [
            ["لیست آذر"],
            ["گل", None, "قیمت", "از تاریخ"],
            ["رز", None, 30000.0, date(2026, 11, 1)],
            ["مریم", None, 2.5, None],
        ],
        [["شهر", "هزینه"], ["شیراز", 90]],
    )
    text = read_file("لیست.xlsx", content).text
    assert rows_of(text) == [
        ["رز", "30000", "2026-11-01"],
        ["مریم", "2.5", ""],
        ["شیراز", "90"],
    ]
    headings = {b.text for b in read_blocks(text) if b.kind is BlockKind.HEADING}
    assert {"برگه 1", "برگه 2"} <= headings


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'گل,قیمت\nرز,۳۰\nمریم,"۲۵, شاخه‌ای"'.encode()),
        ("a.csv", "گل;قیمت\nرز;۳۰\nمریم;۲۵, شاخه‌ای".encode("utf-8-sig")),
        ("a.tsv", "گل\tقیمت\nرز\t۳۰\nمریم\t۲۵, شاخه‌ای".encode()),
        ("a.CSV", "گل\tقیمت\nرز\t۳۰\nمریم\t۲۵, شاخه‌ای".encode("utf-16")),
    ],
)
def test_a_list_is_read_however_it_was_exported(name: str, content: bytes) -> None:
    assert rows_of(read_file(name, content).text) == [
        ["رز", "۳۰"],
        ["مریم", "۲۵, شاخه‌ای"],
    ]


def test_an_old_text_file_is_read_in_its_own_encoding() -> None:
    assert read_file("a.txt", "ارسال رايگان".encode("windows-1256")).text == (
        "ارسال رايگان"
    )


def test_a_pdf_is_read_line_by_line_and_joined_again() -> None:
    content = make_pdf(
        "Orders are sent within two days. A bouquet that was cut is",
        "not taken back, unless it froze on the way.",
    )
    file = read_file("Terms_of_sale.pdf", content)
    assert file.title == "Terms of sale"
    assert [block.text for block in read_blocks(file.text)] == [
        "Orders are sent within two days. A bouquet that was cut is not taken back,"
        " unless it froze on the way."
    ]


VISUAL = (
    "قیمت هر شاخه رز 30,000 تومان است.",
    "ارسال برای همه شهرها (فقط روز بعد) است.",
)


def reverse(line: str) -> str:
    """Write a line as it is seen, from its left end."""
    turned = line[::-1].translate(str.maketrans("()", ")("))
    return turned.replace("000,03", "30,000")


def test_text_in_visual_order_is_turned_round() -> None:
    content = "\n".join(map(reverse, VISUAL)).encode()
    assert read_file("a.txt", content).text == "\n".join(VISUAL)


def test_text_that_is_half_in_visual_order_is_refused() -> None:
    content = "\n".join((*VISUAL, *map(reverse, VISUAL))).encode()
    with pytest.raises(UnreadableFileError, match="backwards"):
        read_file("a.txt", content)


def make_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (101 * 2**20))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("a.txt", bytes, "empty"),
        ("a.txt", lambda: b" \n\n", "no text"),
        ("a.txt", lambda: b"a" * (MAX_FILE_BYTES + 1), "larger than 10 MB"),
        ("a.exe", lambda: b"MZ", "csv, docx, htm"),
        ("a", lambda: b"text", "not read"),
        ("a.docx", lambda: b"\xd0\xcf\x11\xe0 old", "password"),
        ("a.docx", lambda: b"text", "content is not that of a docx file"),
        ("a.pdf", lambda: b"text", "content is not that of a pdf file"),
        ("a.pdf", lambda: b"%PDF-1.4 broken", "damaged"),
        ("a.pdf", lambda: make_pdf(" "), "pictures of text"),
        ("a.xlsx", lambda: make_docx()[:200], "damaged"),
        ("a.xlsx", make_docx, "damaged"),
        ("a.xlsx", make_bomb, "unpacks"),
        ("a.txt", lambda: make_pdf("text"), "content is not that of a txt file"),
    ],
)
def test_a_file_that_can_not_be_read_says_why(
    name: str, make: Callable[[], bytes], reason: str
) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        read_file(name, make())


@given(st.binary(max_size=300), st.sampled_from(["txt", "csv", "docx", "xlsx", "pdf"]))
def test_any_bytes_are_read_or_refused(content: bytes, suffix: str) -> None:
    begin = {"docx": b"PK\x03\x04", "xlsx": b"PK\x03\x04", "pdf": b"%PDF-"}
    try:
        text = read_file(f"a.{suffix}", begin.get(suffix, b"") + content).text
    except UnreadableFileError as error:
        text = str(error)
    assert text.strip()
