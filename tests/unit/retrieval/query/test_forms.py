"""A question as each retriever gets it: rewritten, with synonyms, despite typos."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.index.bm25 import char_ngrams
from retrieval.query.forms import (
    SEAM_WEIGHT,
    STOP_WORD_WEIGHT,
    SYNONYM_WEIGHT,
    build_forms,
    find_meanings,
    near_words,
    replace_by_canonical,
)
from retrieval.text.normalise import normalise


def test_a_plain_question_has_one_form() -> None:
    forms = build_forms("ستاره قطبی")
    assert forms.dense_texts == ("ستاره قطبی",)
    assert forms.synonyms == ()
    assert dict(forms.sparse_weights) == pytest.approx(
        dict.fromkeys(char_ngrams("ستاره قطبی"), 1.0) | {"اره قطب": SEAM_WEIGHT}
    )


def test_words_that_tell_nothing_weigh_less() -> None:
    forms = build_forms("من ستاره")
    assert forms.sparse_weights[" من "] == pytest.approx(STOP_WORD_WEIGHT)
    assert forms.sparse_weights[" ستا"] == pytest.approx(1.0)


def test_another_word_for_the_same_thing_is_searched_as_well() -> None:
    forms = build_forms("گارانتی")
    assert "ضمانت" in forms.synonyms
    assert forms.written == "ضمانت"
    assert forms.dense_texts == ("گارانتی", "ضمانت")
    # Together they weigh the weight times the root of their number.
    share = SYNONYM_WEIGHT / len(forms.synonyms) ** 0.5
    assert forms.sparse_weights["ضمان"] == pytest.approx(share)


def test_endings_hide_no_synonym_and_the_longest_phrase_counts() -> None:
    (meaning,) = find_meanings(normalise("گارانتیتون").split())
    assert meaning.words == "گارانتی"
    (meaning,) = find_meanings(normalise("کارت هدیه").split())
    assert (meaning.words, meaning.length) == ("کارت هدیه", 2)
    words = normalise("یک گیفت کارت بزرگوارانه").split()
    assert replace_by_canonical(words, find_meanings(words)) == (
        "یک کارت هدیه بزرگوارانه"
    )


@given(st.text())
def test_no_question_is_too_strange(question: str) -> None:
    forms = build_forms(question)
    assert forms.dense_texts[0] == question
    assert all(weight > 0 for weight in forms.sparse_weights.values())


KNOWN = ["ارسال", "رایگان", "قسط", "کارت هدیه"]


@pytest.mark.parametrize("typed", ["ارسلا", "ارسسال", "ارصال", "ارسال"])
def test_one_error_is_forgiven(typed: str) -> None:
    assert near_words(typed, KNOWN) == ["ارسال"]


@pytest.mark.parametrize("typed", ["ارصالل", "الارس", "رسا", "قسظ", "قصط", ""])
def test_two_errors_and_short_words_are_not(typed: str) -> None:
    assert near_words(typed, KNOWN) == []


def test_a_mistyped_word_has_its_synonyms() -> None:
    (meaning,) = find_meanings(["گارنتی"])
    assert meaning.canonical == "ضمانت"


@pytest.mark.parametrize(
    ("typed", "listed"),
    [
        ("گارانتیتون", "گارانتی"),
        ("تخفیفی", "تخفیف"),
        ("مرجوعیش", "مرجوعی"),
        ("قیمتها", "قیمت"),
        ("پیگری", "پیگیری"),
        ("اقساطط", "اقساط"),
        ("تعویظ", "تعویض"),
        ("مجاني", "مجانی"),
    ],
)
def test_a_word_is_found_behind_endings_and_errors(typed: str, listed: str) -> None:
    (meaning,) = find_meanings(normalise(typed).split())
    assert meaning.words == listed


@pytest.mark.parametrize(
    "word",
    ["اصلا", "اصلاً", "قطعا", "وقتی", "نقدا", "چاقو", "کندو", "صورتی", "مناسبت", "نما"],
)
def test_a_word_that_ends_like_another_is_itself(word: str) -> None:
    # اصل is "original", قطع "cut off", وقت "appointment", چاق "fat", صورت "face".
    assert find_meanings(normalise(word).split()) == ()
