"""Dates as people read them: Jalali in Persian, Gregorian in English."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from deployments.console.dates import Dates
from deployments.console.words import WORDS
from deployments.console.words.terms import Language

TEHRAN = ZoneInfo("Asia/Tehran")
#: 16:50 on Tuesday, 10 Azar 1405, in Tehran.
NOW = datetime(2026, 12, 1, 13, 20, tzinfo=UTC)


def dates(language: Language) -> Dates:
    return Dates(WORDS[language], language, TEHRAN, NOW)


@pytest.mark.parametrize(
    ("at", "persian", "english"),
    [
        (NOW, "امروز", "Today"),
        (NOW - timedelta(days=1), "دیروز", "Yesterday"),
        (NOW - timedelta(days=2), "یکشنبه ۸ آذر", "Sunday 29 November"),
        # The year of Nowruz, and the day of Nowruz itself.
        (
            datetime(2026, 3, 21, 9, tzinfo=UTC),
            "شنبه ۱ فروردین",
            "Saturday 21 March",
        ),
        (
            datetime(2026, 3, 20, 9, tzinfo=UTC),
            "جمعه ۲۹ اسفند ۱۴۰۴",
            "Friday 20 March",
        ),
        # After midnight in Tehran it is still yesterday in Greenwich.
        (datetime(2026, 11, 28, 21, tzinfo=UTC), "یکشنبه ۸ آذر", "Sunday 29 November"),
    ],
)
def test_a_day(at: datetime, persian: str, english: str) -> None:
    assert dates(Language.FA).day(at) == persian
    assert dates(Language.EN).day(at) == english


def test_a_moment_names_its_day_unless_that_is_today() -> None:
    assert dates(Language.FA).moment(NOW) == "۱۶:۵۰"
    assert dates(Language.EN).moment(NOW) == "16:50"
    assert dates(Language.FA).moment(NOW - timedelta(days=1)) == "دیروز ۱۶:۵۰"


@pytest.mark.parametrize(
    ("span", "persian", "english"),
    [
        (timedelta(seconds=-5), "همین حالا", "just now"),
        (timedelta(seconds=59), "همین حالا", "just now"),
        (timedelta(minutes=1), "۱ دقیقه", "1 min"),
        (timedelta(minutes=59), "۵۹ دقیقه", "59 min"),
        (timedelta(hours=23, minutes=59), "۲۳ ساعت", "23 h"),
        (timedelta(days=40), "۴۰ روز", "40 d"),
    ],
)
def test_a_span(span: timedelta, persian: str, english: str) -> None:
    assert dates(Language.FA).span_since(NOW - span) == persian
    assert dates(Language.EN).span_since(NOW - span) == english
    if span >= timedelta(minutes=1):
        assert persian in dates(Language.FA).wait_since(NOW - span)
    else:
        assert dates(Language.FA).wait_since(NOW - span) == "منتظر پاسخ"
