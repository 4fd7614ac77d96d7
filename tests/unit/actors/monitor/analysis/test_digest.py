"""Digests by rules, word for word, in both languages."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.monitor.analysis.anomaly import Deviation
from actors.monitor.analysis.digest import (
    choose_advice,
    rank_services,
    render_overall,
    render_results,
    render_service,
)
from actors.monitor.analysis.digest_words import (
    ISOLATE_END,
    LEFT_TO_RIGHT,
    WORDS,
    Advice,
    Language,
    find_language,
    render_instant,
    render_name,
    render_number,
)
from actors.monitor.analysis.facts import (
    DatedEpisode,
    DigestFacts,
    Figures,
    Outage,
    ServiceFacts,
    Span,
)
from actors.monitor.analysis.features import Feature
from persistence.ids import ResultId, ServiceId

EVENING = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
PERIOD = Span(EVENING - timedelta(hours=14), EVENING + timedelta(hours=10))
RESULT = ResultId(UUID(int=7))
SLOW = DatedEpisode(
    began_at=EVENING,
    ended_at=EVENING + timedelta(hours=2),
    deviations=(Deviation(Feature.LEVEL, 3.24, 412.4, 98.4),),
    is_recurring=False,
    result_ids=(RESULT,),
)
DOWN = Outage(EVENING, EVENING + timedelta(minutes=25), 6, is_open=False)
QUIET = ServiceFacts(
    service_id=ServiceId(UUID(int=1)),
    name="checkout-2",
    now=Figures(288, 0, 100.0, 180.0),
    week_before=Figures(280, 7, 101.0, 150.0),
    episodes=(),
    outages=(),
    is_learning=False,
)
TROUBLED = replace(
    QUIET, now=Figures(288, 6, 131.0, 420.0), episodes=(SLOW,), outages=(DOWN,)
)


def test_an_english_digest_says_what_since_when_against_when_and_what_to_do() -> None:
    assert render_service(TROUBLED, PERIOD, Language.ENGLISH) == (
        "checkout-2, 2026-11-20 04:30 to 2026-11-21 04:30 (UTC)."
        " 288 checks, 6 failed: 97.9% passed (a week before: 97.5%)."
        " Half of the answers came within 131 ms, 95% within 420 ms"
        " (29.7% slower than a week before: 101 ms)."
        " Down from 2026-11-20 18:30 to 2026-11-20 18:55: 6 checks in a row failed."
        " Anomaly: the median latency of an hour was 412 ms from 2026-11-20 18:30 to"
        " 2026-11-20 20:30 (usually 98 ms), a deviation 3.2 times the usual maximum."
        " What to do: Read the service's log for the time of the outage; a problem that"
        " disappears by itself usually returns. Look for what started at that time: a"
        " deployment, a heavy query, another busy program on the server; if it stays,"
        " add resources."
    )


def test_a_persian_digest_isolates_names_and_dates_and_writes_its_own_digits() -> None:
    assert render_service(QUIET, PERIOD, Language.PERSIAN) == (
        "\u2068checkout-2\u2069، از \u20662026-11-20 04:30\u2069 تا"
        " \u20662026-11-21 04:30\u2069 (UTC)."
        " ۲۸۸ بررسی، ۰ ناموفق: ۱۰۰٪ موفق (هفتهٔ پیش: ۹۷٫۵٪)."
        " نیمی از پاسخ‌ها در کمتر از ۱۰۰ میلی‌ثانیه و ۹۵٪ آن‌ها در کمتر از ۱۸۰"
        " میلی‌ثانیه رسیدند. مورد غیرعادی دیده نشد."
    )


@pytest.mark.parametrize("language", Language)
def test_every_isolate_is_closed(language: Language) -> None:
    facts = DigestFacts(PERIOD, replace(TROUBLED, service_id=None), (TROUBLED, QUIET))
    for text in (
        render_service(TROUBLED, PERIOD, language),
        render_overall(facts, language),
        render_results(TROUBLED.anomalies, language),
    ):
        opened = sum(text.count(mark) for mark in ("\u2066", "\u2067", "\u2068"))
        assert opened == text.count(ISOLATE_END)
        assert (opened > 0) == (language is Language.PERSIAN)


def test_the_digest_of_all_names_the_worst_and_counts_their_troubles() -> None:
    overall = replace(
        QUIET, service_id=None, name="", now=Figures(576, 6, 100.0, 110.0)
    )
    other = replace(QUIET, name="search")
    facts = DigestFacts(PERIOD, overall, (other, TROUBLED))
    text = render_overall(facts, Language.ENGLISH)
    assert text.startswith("All services, 2026-11-20 04:30 to")
    assert "576 checks, 6 failed: 99% passed" in text
    assert "Most affected: checkout-2 (2)." in text
    assert "checkout-2: Down from" in text
    assert "search" not in text


def test_a_recurring_anomaly_is_counted_and_raises_no_alert() -> None:
    facts = replace(QUIET, episodes=(replace(SLOW, is_recurring=True),))
    text = render_service(facts, PERIOD, Language.ENGLISH)
    assert "Recurring anomalies of this week, without an alert: 1." in text
    assert "What to do" not in text
    assert facts.anomalies == ()


def test_what_is_still_down_comes_before_what_was_down_for_longer() -> None:
    was = replace(QUIET, name="was", outages=(replace(DOWN, checks=100),))
    still = replace(QUIET, name="still", outages=(replace(DOWN, is_open=True),))
    slow = replace(QUIET, name="slow", episodes=(SLOW,))
    assert [one.name for one in rank_services([QUIET, slow, was, still])] == [
        "still",
        "was",
        "slow",
    ]


def anomaly_by(feature: Feature, value: float, usual: float) -> ServiceFacts:
    reason = Deviation(feature, 3.0, value, usual)
    return replace(QUIET, episodes=(replace(SLOW, deviations=(reason,)),))


@pytest.mark.parametrize(
    ("facts", "advice"),
    [
        (QUIET, []),
        (anomaly_by(Feature.LEVEL, 300, 100), [Advice.SLOWER]),
        (anomaly_by(Feature.LEVEL, 3, 100), [Advice.QUICKER]),
        (anomaly_by(Feature.JUMP, -80, 0), [Advice.QUICKER]),
        (anomaly_by(Feature.SPREAD, 300, 100), [Advice.UNSTEADY]),
        (anomaly_by(Feature.TREND, 300, 0), [Advice.DRIFT]),
        (anomaly_by(Feature.ERRORS, 0.5, 0), [Advice.ERRORS]),
        (replace(QUIET, outages=(DOWN,)), [Advice.WAS_DOWN]),
        (replace(QUIET, outages=(replace(DOWN, is_open=True),)), [Advice.DOWN_NOW]),
        (
            replace(TROUBLED, service_id=None, outages=()),
            [Advice.ALL_TOGETHER, Advice.SLOWER],
        ),
    ],
)
def test_advice_follows_from_the_deviation(
    facts: ServiceFacts, advice: list[Advice]
) -> None:
    assert choose_advice(facts) == advice


def test_both_languages_have_words_for_everything() -> None:
    for words in WORDS.values():
        assert set(words.features) == set(Feature)
        assert set(words.advice) == set(Advice)


@pytest.mark.parametrize(
    ("number", "decimals", "written"),
    [(0.04, 1, "0"), (-0.01, 1, "0"), (12.0, 1, "12"), (12.34, 1, "12.3")],
)
def test_numbers_have_no_decimals_that_say_nothing(
    number: float, decimals: int, written: str
) -> None:
    assert render_number(number, Language.ENGLISH, decimals) == written


def test_a_tenants_language_is_persian_unless_it_says_english() -> None:
    assert [find_language(code) for code in ("fa", "en", "en-GB", "")] == [
        Language.PERSIAN,
        Language.ENGLISH,
        Language.ENGLISH,
        Language.PERSIAN,
    ]


def test_an_instant_of_another_zone_is_written_in_utc() -> None:
    at = datetime.fromisoformat("2026-11-21T03:30:00+03:30")
    assert render_instant(at, Language.ENGLISH) == "2026-11-21 00:00"
    assert render_instant(at, Language.PERSIAN).startswith(LEFT_TO_RIGHT)


@given(name=st.text(min_size=1, max_size=30), language=st.sampled_from(Language))
def test_no_name_breaks_a_digest(name: str, language: Language) -> None:
    facts = replace(TROUBLED, name=name)
    assert render_name(name, language) in render_service(facts, PERIOD, language)
