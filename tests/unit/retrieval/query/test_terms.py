"""Words of a question and of a document become terms that meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.query.terms import TermSet, make_term, read_terms, read_words

#: Letters that customers mix: Persian, half-spaces, digits of three kinds, Latin.
TEXTS = st.text(
    st.one_of(
        st.characters(), st.sampled_from("نمی‌خواهم دوچرخه ۱۲٬۵۰۰ 7x9 A35 صد و نه")
    )
)


def words(text: str) -> list[str]:
    return [term.word for term in read_terms(text)]


@pytest.mark.parametrize(
    ("asked", "held", "surely"),
    [
        pytest.param("چرخ", "چرخ", 1.0, id="the same word"),
        pytest.param("چرخش", "چرخ", 1.0, id="an owner's ending"),
        pytest.param("دوچرخه‌هاتون", "دوچرخه", 1.0, id="a plural with an owner"),
        pytest.param("می‌فرستید", "فرستاده", 0.9, id="a verb in two tenses"),
        pytest.param("می‌گیرید", "گرفته", 0.9, id="another stem in the past"),
        pytest.param("کوهستانی", "کوهستان", 1.0, id="an adjective of a noun"),
        pytest.param("نان", "چرخ", 0.0, id="another word"),
        pytest.param("26", "260", 0.0, id="another number"),
        pytest.param("inches", "inche", 1.0, id="an English plural"),
    ],
)
def test_a_text_holds_a_word_by_its_base(asked: str, held: str, surely: float) -> None:
    assert TermSet(read_terms(held)).match(read_terms(asked)[0]) == surely


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("۱۸٬۵۰۰٬۰۰۰ تومان", "18500000"),
        ("۱ میلیون و ۲۰۰ هزار تومان", "1200000"),
        ("نهصد هزار تومان", "900000"),
        ("1.250.000 toman", "1250000"),
    ],
)
def test_a_large_number_is_one_term_however_it_is_written(
    text: str, number: str
) -> None:
    assert number in words(text)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("رینگ 20x30", ["رینگ", "20", "30"], id="a size is two numbers"),
        pytest.param("تیوب 26اینچ", ["تیوب", "26", "اینچ"], id="a unit stands apart"),
        pytest.param("ترمز B13", ["ترمز", "b13"], id="a code is one name"),
        pytest.param("زنجیر درجه یک", ["زنجیر", "درجه", "1"], id="a grade is a number"),
    ],
)
def test_numbers_and_codes_are_told_apart(text: str, read: list[str]) -> None:
    assert words(text) == read


@pytest.mark.parametrize(
    ("text", "noun"),
    [
        ("کلاه رو پس می‌گیرید؟", "مرجوعی"),
        ("می‌خوام پسش بدم", "مرجوعی"),
        ("سایزش رو عوض می‌کنید؟", "تعویض"),
        ("سفارشم رو کنسل کنم", "لغو"),
    ],
)
def test_a_verb_of_two_words_is_its_noun_as_well(text: str, noun: str) -> None:
    assert noun in words(text)


def test_two_words_are_one_where_neighbours_are_joined() -> None:
    joined = [term.word for term in read_terms("دوچرخه دو نفره", joined=True)]
    assert "دونفره" in joined
    assert "دونفره" not in words("دوچرخه دو نفره")


def test_stop_words_are_words_but_no_terms() -> None:
    assert "از" in read_words("از کجا بخرم")
    assert "از" not in words("از کجا بخرم")


def test_a_term_that_begins_with_a_digit_is_a_number() -> None:
    assert make_term("26").is_number
    assert not make_term("b13").is_number


@given(TEXTS)
def test_any_text_is_read_and_read_alike_again(text: str) -> None:
    first = read_terms(text, joined=True)
    assert first == read_terms(text, joined=True)
    assert all(term.word and term.word in term.roots for term in first)
    assert all(TermSet(first).match(term) == 1.0 for term in first)
