"""Words are found in whatever way they are spelt, on either side."""

import pytest

from persistence.database import Pool
from persistence.search import MAX_LETTERS, build_search_pattern


async def is_found(pool: Pool, words: str, text: str) -> bool:
    found: bool = await pool.fetchval(
        "SELECT $1::text ~* $2::text", text, build_search_pattern(words)
    )
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("علي كريمي", "علی کریمی"),
        ("می‌خواهم", "می خواهم"),
        ("می‌خواهم", "میخواهم"),
        ("خانهٔ مَن", "خانه من"),
        ("آدرس", "ادرس"),
        ("مسؤول", "مسوول"),
        ("پائیز", "پاییز"),
        ("ســـلام", "سلام"),
        ("۱۲۳٤٥", "12345"),
        ("قیمت، چنده؟", "قیمت چنده"),
        ("۱٬۲۸۰٬۰۰۰", "1280000"),
        ("ORDER #17", "order 17"),
        ("don't", "dont"),
        ("\u200fسلام\u200e", "سلام"),
    ],
)
async def test_what_reads_the_same_is_found(pool: Pool, one: str, other: str) -> None:
    assert await is_found(pool, one, f"اول {other} آخر")
    assert await is_found(pool, other, f"اول\n{one} آخر")


@pytest.mark.parametrize(
    ("one", "other"), [("کار", "کارد"), ("سلام", "سلم"), ("11", "12"), ("a", "b")]
)
async def test_what_reads_otherwise_is_not(pool: Pool, one: str, other: str) -> None:
    assert not await is_found(pool, other, one)


async def test_long_words_are_found_by_their_beginning(pool: Pool) -> None:
    beginning = "ک" * MAX_LETTERS
    assert await is_found(pool, f"{beginning} بقیه", f"{beginning} دیگر")
    assert not await is_found(pool, f"{beginning} بقیه", beginning[1:])


@pytest.mark.parametrize("words", ["", " ؟ ", "[]\\-^", "\u200c"])
def test_without_a_letter_there_is_nothing_to_search_by(words: str) -> None:
    assert build_search_pattern(words) is None


@pytest.mark.parametrize(
    "words", ["a\\b", "***=x", "(?i)x", "x{9999}", "ی" * 200, "🌷€"]
)
async def test_no_words_break_the_search(pool: Pool, words: str) -> None:
    assert await is_found(pool, words, f"... {words} ...")
