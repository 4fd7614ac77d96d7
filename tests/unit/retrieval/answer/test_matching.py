"""Facts are measured against a question, and ordered."""

import pytest

from retrieval.answer.matching import asked_kinds, holds
from retrieval.query.kinds import ValueKind, fits
from tests.unit.retrieval.answer.asking import facts_of, leaning_on, rank, read
from tests.unit.retrieval.shops import BAKERY, BICYCLES

TAILOR = (
    (
        "دوخت و تعمیر",
        "- دوخت کت: ۲ میلیون تومان\n- دوخت شلوار: ۷۰۰ هزار تومان\n"
        "- کوتاه کردن شلوار: ۱۲۰ هزار تومان\n",
    ),
    ("نرخ‌نامه قدیمی", "دوخت شلوار ۴۰۰ هزار تومان است."),
    ("مراجعه", "پرو لباس فقط عصرها انجام می‌شود."),
)


@pytest.mark.parametrize(
    ("kind", "text", "is_there"),
    [
        (ValueKind.PRICE, "دوخت ۷۰۰ هزار تومان", True),
        (ValueKind.PRICE, "پرو رایگان است", True),
        (ValueKind.PRICE, "۱۲ روز طول می‌کشد", False),
        (ValueKind.TIME, "هر روز ۹ تا ۱۷", True),
        (ValueKind.TIME, "دکمه داریم", False),
        (ValueKind.DURATION, "دو هفته", True),
        (ValueKind.DURATION, "هفته‌ای باز هستیم", False),
        (ValueKind.PERCENT, "۱۵٪ ارزان‌تر", True),
        (ValueKind.PHONE, "۰۲۱-۸۸۸۸۷۷۷۷", True),
        (ValueKind.PHONE, "۷۰۰ هزار", False),
        (ValueKind.ADDRESS, "بلوار کشاورز، پلاک ۵", True),
    ],
)
def test_a_value_of_a_kind_is_seen(kind: ValueKind, text: str, is_there: bool) -> None:
    assert fits(kind, text) is is_there


def test_how_much_alone_asks_for_a_price() -> None:
    assert asked_kinds(read(BAKERY, "باگت چنده؟")) == {ValueKind.PRICE}
    assert asked_kinds(read(BAKERY, "باگت دارید؟")) == frozenset()


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("دوخت شلوار چنده؟", "دوخت شلوار"),
        ("قیمت کوتاه کردن شلوار", "کوتاه کردن شلوار"),
        ("کت چند می‌دوزید؟", "دوخت کت"),
    ],
)
def test_the_fact_that_is_named_comes_first(question: str, subject: str) -> None:
    best, *others = rank(TAILOR, question)
    assert best.fact.subject == subject
    assert best.measures.kind == 1.0
    assert all(best.score > other.score for other in others)


def test_an_outdated_fact_comes_behind_the_valid_one() -> None:
    outdated = [match for match in rank(TAILOR, "دوخت شلوار") if match.fact.is_outdated]
    assert [match.measures.outdated for match in outdated] == [1.0]
    assert not rank(TAILOR, "دوخت شلوار")[0].fact.is_outdated


def test_a_fact_of_what_is_excluded_comes_behind() -> None:
    ranked = rank(BAKERY, "نان دارید به جز باگت؟")
    places = [match.fact.subject for match in ranked]
    assert places.index("نان بربری") < places.index("نان باگت")


def test_the_thing_spoken_of_decides_where_the_question_names_none() -> None:
    for name in ("دوچرخه شهری نسیم", "دوچرخه کورسی آذرخش"):
        best = rank(BICYCLES, "وزنش چقدره؟", leaning_on(BICYCLES, name))[0]
        assert best.fact.subject == name
        assert best.measures.subject == pytest.approx(1.0)


def test_words_that_no_fact_holds_are_missing() -> None:
    best = rank(BICYCLES, "قیمت دوچرخه شیمانو آلتوس")[0]
    assert best.measures.missing_strange == pytest.approx(2.0)


def test_a_near_passage_scores_higher_than_a_far_one() -> None:
    fact = facts_of(TAILOR)[-1]
    near, far = (
        rank(TAILOR, "کی بیام اندازه بگیرید؟", cosines={fact.chunk.chunk_id: cosine})
        for cosine in (0.9, 0.76)
    )
    scores = [
        next(match.score for match in ranked if match.fact.key == fact.key)
        for ranked in (near, far)
    ]
    assert scores[0] > scores[1]


def test_a_fact_holds_a_word_itself_and_not_by_its_title() -> None:
    coat = facts_of(TAILOR)[0]
    (repair, tailored) = read(TAILOR, "تعمیر کت").names
    assert holds(tailored, coat)
    assert not holds(repair, coat)


def test_nothing_is_scored_where_nothing_is_known() -> None:
    assert rank((), "قیمت شلوار") == []
