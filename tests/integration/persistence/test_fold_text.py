"""The one spelling by which inboxes are searched."""

import pytest

from persistence.database import Pool

FOLD = "SELECT fold_text($1)"


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
    assert await pool.fetchval(FOLD, one) == await pool.fetchval(FOLD, other) != ""


@pytest.mark.parametrize(
    ("one", "other"), [("کار", "کارد"), ("سلام", "سلم"), ("11", "12"), ("a", "b")]
)
async def test_what_reads_otherwise_is_not(pool: Pool, one: str, other: str) -> None:
    assert await pool.fetchval(FOLD, one) != await pool.fetchval(FOLD, other)


async def test_nothing_stays_nothing(pool: Pool) -> None:
    assert await pool.fetchval(FOLD, None) is None
    assert await pool.fetchval(FOLD, " ؟ ") == ""
