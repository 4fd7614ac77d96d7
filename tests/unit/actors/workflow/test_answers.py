"""What a wait takes for an answer of each kind, and what it keeps."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.workflow.answers import (
    describe_expected,
    read_answer,
    wants_to_exit,
    wants_to_skip,
)
from actors.workflow.definition import AnswerKind

#: 12 Farvardin 1405, half past one at night in Tehran; the day before in UTC.
NOW = datetime(2026, 3, 31, 22, tzinfo=UTC)
ZONE = "Asia/Tehran"
COLORS = ("آبی آسمانی", "سبز", "سبز تیره")


def read(kind: AnswerKind, text: str, choices: Sequence[str] = ()) -> str | None:
    """Read an answer in Tehran."""
    return read_answer(kind, text, choices, NOW, ZONE)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("۱۲", "12"),
        ("۱٬۲۰۰", "1200"),
        ("1,250,000", "1250000"),
        ("۲٫۵", "2.5"),
        ("دو هزار", "2000"),
        ("فکر کنم ۳ تا", "3"),
        ("-5", "-5"),
        ("منفی ۵", "-5"),
        ("سه", "3"),
        ("بین ۲ و ۷ تا", None),
        ("نمی‌دانم", None),
        ("", None),
        ("۱۴۰۳/۰۷/۱۲", None),
        ("09121234567", None),
    ],
)
def test_numbers(text: str, kept: str | None) -> None:
    assert read(AnswerKind.NUMBER, text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("sara@shop.example", "sara@shop.example"),
        ("ایمیلم Sara.K@Shop.Example هست", "Sara.K@shop.example"),
        ("sara+news@mail.shop.example.", "sara+news@mail.shop.example"),
        ("sara@shop.example یا همان sara@SHOP.example", "sara@shop.example"),
        ("a@b.example یا c@d.example", None),
        ("sara@shop", None),
        ("sara..k@shop.example", None),
        ("@shop_page", None),
        ("ندارم", None),
    ],
)
def test_mail_addresses(text: str, kept: str | None) -> None:
    assert read(AnswerKind.EMAIL, text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("09121234567", "+989121234567"),
        ("۰۹۱۲ ۱۲۳ ۴۵۶۷", "+989121234567"),
        ("شماره‌م ۰۹۱۲-۱۲۳-۴۵۶۷ هست", "+989121234567"),
        ("+98 912 123 4567", "+989121234567"),
        ("00989121234567", "+989121234567"),
        ("9121234567", "+989121234567"),
        ("021-88776655", "+982188776655"),
        ("+1 415 555 2671", "+14155552671"),
        ("0912123456", None),
        ("123", None),
        ("بعداً می‌دم", None),
    ],
)
def test_phones(text: str, kept: str | None) -> None:
    assert read(AnswerKind.PHONE, text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-10-04", "2026-10-04"),
        ("4/10/2026", "2026-10-04"),
        ("1405/07/12", "2026-10-04"),
        ("۱۴۰۵/۷/۱۲", "2026-10-04"),
        ("۱۲ مهر ۱۴۰۵", "2026-10-04"),
        ("۱۲ مهر", "2026-10-04"),
        ("۵ فروردین", "2027-03-25"),
        ("۱۲ فروردین", "2026-04-01"),
        ("امروز", "2026-04-01"),
        ("فردا", "2026-04-02"),
        ("پس‌فردا", "2026-04-03"),
        ("دیروز", "2026-03-31"),
        ("۳۰ اسفند ۱۴۰۳", "2025-03-20"),
        ("۳۰ اسفند ۱۴۰۴", None),
        ("۳۱ مهر ۱۴۰۵", None),
        ("2026-02-30", None),
        ("هر وقت شد", None),
        ("۱۲ مهر یا ۱۳ مهر", None),
    ],
)
def test_dates(text: str, kept: str | None) -> None:
    assert read(AnswerKind.DATE, text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("آبی آسمانی", "آبی آسمانی"),
        ("ابي آسماني", "آبی آسمانی"),
        ("آبی", "آبی آسمانی"),
        ("سبز", "سبز"),
        ("سبز تیره لطفاً", "سبز تیره"),
        ("۲", "سبز"),
        ("گزینه ۳", "سبز تیره"),
        ("دومی", "سبز"),
        ("دو", "سبز"),
        ("۴", None),
        ("قرمز", None),
        ("آبی یا سبز", None),
    ],
)
def test_choices(text: str, kept: str | None) -> None:
    assert read(AnswerKind.CHOICE, text, COLORS) == kept


def test_texts_need_words() -> None:
    assert read(AnswerKind.TEXT, " سارا محمدی ") == "سارا محمدی"
    assert read(AnswerKind.TEXT, "...") is None
    assert read(AnswerKind.TEXT, "👍") is None
    assert len(read(AnswerKind.TEXT, "الف" * 2000) or "") == 1000


@pytest.mark.parametrize("text", ["انصراف", "انصراف!", " انصراف "])
def test_a_keyword_that_ends_must_be_the_whole_message(text: str) -> None:
    assert wants_to_exit(text, ("انصراف",))
    assert wants_to_skip(text, ("انصراف",))
    assert not wants_to_exit("از انصراف پشیمان شدم", ("انصراف",))
    assert not wants_to_exit("", ("انصراف",))


@pytest.mark.parametrize("language", ["fa", "en"])
@pytest.mark.parametrize("kind", list(AnswerKind))
def test_every_kind_has_a_usual_text_in_both_languages(
    kind: AnswerKind, language: str
) -> None:
    text = describe_expected(kind, COLORS, language)
    assert ("Please" in text) is (language == "en")
    assert (COLORS[0] in text) is (kind is AnswerKind.CHOICE)


@pytest.mark.parametrize("kind", list(AnswerKind))
@given(text=st.text(max_size=60))
def test_no_text_is_too_odd(kind: AnswerKind, text: str) -> None:
    kept = read(kind, text, COLORS)
    assert kept is None or kept.strip()


@given(st.dates(datetime(1960, 1, 1).date(), datetime(2080, 1, 1).date()))  # noqa: DTZ001
def test_a_date_as_it_is_kept_is_read_as_itself(day: object) -> None:
    assert read(AnswerKind.DATE, str(day)) == str(day)
