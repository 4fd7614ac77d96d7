"""A question is read against what the shop's documents say."""

import pytest

from retrieval.index.lexicon import Lexicon
from retrieval.query.asking import (
    Asked,
    AskedTerm,
    match,
    read_english_question,
    read_question,
)
from retrieval.query.kinds import ValueKind
from retrieval.query.terms import TermSet, read_terms
from retrieval.query.vocabulary import Vocabulary
from tests.unit.retrieval.shops import BAKERY, BICYCLES, count_words


@pytest.fixture(scope="module")
def bicycles() -> Lexicon:
    return count_words(BICYCLES)


@pytest.fixture(scope="module")
def bakery() -> Lexicon:
    return count_words(BAKERY)


def the(word: str, asked: Asked) -> AskedTerm:
    return next(term for term in asked.terms if term.term.word == word)


@pytest.mark.parametrize(
    ("text", "is_elliptic"),
    [
        pytest.param("آذرخش چطور؟", True, id="a name alone"),
        pytest.param("و نسیم؟", True, id="a name behind and"),
        pytest.param("آذرخش دارید؟", False, id="a verb says what is asked"),
        pytest.param("قیمت آذرخش", False, id="a kind says what is asked"),
        pytest.param("آذرخش چنده؟", False, id="how much says what is asked"),
        pytest.param("مشکی‌اش هم؟", False, id="a colour is of the thing before"),
        pytest.param("وزنش؟", False, id="an attribute is what is asked"),
    ],
)
def test_a_question_without_a_verb_leans_on_the_one_before(
    bicycles: Lexicon,
    text: str,
    is_elliptic: bool,
) -> None:
    assert read_question(text, bicycles).is_elliptic is is_elliptic


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("قیمت البرز چنده؟", {ValueKind.PRICE}),
        ("تا چند باز هستید؟", {ValueKind.TIME}),
        ("پنچرگیری چقدر طول می‌کشه؟", {ValueKind.DURATION}),
        ("آدرستون کجاست؟", {ValueKind.ADDRESS, ValueKind.PLACE}),
        ("کلاه ایمنی دارید؟", set()),
    ],
)
def test_the_kind_of_value_is_read(
    bicycles: Lexicon, text: str, kinds: set[ValueKind]
) -> None:
    assert read_question(text, bicycles).kinds == kinds


def test_how_much_is_vague_and_how_many_tomans_is_not(bicycles: Lexicon) -> None:
    vague, plain = (
        read_question(text, bicycles) for text in ("نسیم چقدره؟", "نسیم چنده؟")
    )
    assert (vague.is_bare, vague.is_vague) == (True, True)
    assert (plain.is_bare, plain.is_vague) == (True, False)


def test_two_things_are_compared(bicycles: Lexicon) -> None:
    asked = read_question("فرق البرز و نسیم چیه؟", bicycles)
    assert asked.is_comparing
    assert [term.term.word for term in asked.names if term.is_name] == [
        "البرز",
        "نسیم",
    ]


def test_what_is_excluded_is_no_term_of_the_question(bicycles: Lexicon) -> None:
    asked = read_question("کورسی دارید به جز آذرخش؟", bicycles)
    assert [term.word for term in asked.excluded] == ["اذرخش"]
    assert "اذرخش" not in {term.term.word for term in asked.terms}


def test_words_that_the_documents_write_as_one_are_joined(bicycles: Lexicon) -> None:
    asked = read_question("پنچر گیری دارید؟", bicycles)
    joined = the("پنچرگیری", asked)
    assert joined.is_known
    assert [[part.word for part in phrase] for phrase in joined.others] == [
        ["پنچر", "گیری"]
    ]


def test_a_colour_is_a_property_and_the_word_colour_an_attribute(
    bicycles: Lexicon,
) -> None:
    asked = read_question("رنگ قرمز دارد؟", bicycles)
    assert the("قرمز", asked).is_property
    assert the("رنگ", asked).is_attribute
    assert not the("رنگ", asked).is_property


def test_a_rare_word_tells_more_than_one_of_every_chunk(bicycles: Lexicon) -> None:
    asked = read_question("قیمت دوچرخه البرز", bicycles)
    price, bicycle, name = (the(word, asked) for word in ("قیمت", "دوچرخه", "البرز"))
    assert price.weight < bicycle.weight < name.weight
    assert price.is_kind
    assert name.is_name


def test_a_word_that_nobody_holds_is_strange(bicycles: Lexicon) -> None:
    asked = read_question("شیمانو ارسال می‌کنید؟", bicycles)
    assert the("شیمانو", asked).is_strange
    assert not the("ارسال", asked).is_strange


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("Do you have sangak bread?", "نان سنگک کنجدی داریم"),
        ("How much is the Danish pastry?", "قیمت شیرینی"),
        ("cake order", "سفارش کیک تولد"),
    ],
)
def test_an_english_question_is_heard_in_persian_texts(
    bakery: Lexicon, text: str, held: str
) -> None:
    vocabulary = Vocabulary()
    vocabulary.add(" ".join(words for document in BAKERY for words in document))
    asked = read_english_question(text, bakery, vocabulary)
    terms = TermSet(read_terms(held, joined=True))
    assert max(match(term, terms) for term in asked.names) >= 0.5


def test_an_english_price_question_asks_for_a_price(bakery: Lexicon) -> None:
    asked = read_english_question("How much is a baguette?", bakery, Vocabulary())
    assert asked.kinds == {ValueKind.PRICE}


def test_a_synonym_answers_nearly_as_well_as_the_word(bicycles: Lexicon) -> None:
    asked = read_question("هزینه سرویس", bicycles)
    assert match(the("هزینه", asked), TermSet(read_terms("هزینه"))) == 1.0
    assert match(the("هزینه", asked), TermSet(read_terms("قیمت"))) == pytest.approx(0.8)


def test_a_number_of_hundreds_may_be_of_thousands(bicycles: Lexicon) -> None:
    asked = read_question("۶۸۰ تومن بود؟", bicycles)
    assert match(the("680", asked), TermSet(read_terms("۶۸۰ هزار تومان"))) > 0.5


@pytest.mark.parametrize("text", ["", "؟", "   ", "😀", "\u200c"])
def test_a_text_without_words_asks_nothing(bicycles: Lexicon, text: str) -> None:
    asked = read_question(text, bicycles)
    assert (asked.terms, asked.kinds) == ((), frozenset())
