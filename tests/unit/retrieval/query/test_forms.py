"""A question as each arm gets it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.index.bm25 import char_ngrams
from retrieval.query.forms import (
    SEAM_WEIGHT,
    STOP_WORD_WEIGHT,
    SYNONYM_WEIGHT,
    build_forms,
)
from retrieval.query.lexicon import find_meanings, replace_by_canonical
from retrieval.text.normalise import normalise


def test_a_plain_question_has_one_form() -> None:
    forms = build_forms("ستاره قطبی")
    assert forms.for_meaning == ("ستاره قطبی",)
    assert forms.synonyms == ()
    assert dict(forms.for_words) == pytest.approx(
        dict.fromkeys(char_ngrams("ستاره قطبی"), 1.0) | {"اره قطب": SEAM_WEIGHT}
    )


def test_words_that_tell_nothing_weigh_less() -> None:
    forms = build_forms("من ستاره")
    assert forms.for_words[" من "] == pytest.approx(STOP_WORD_WEIGHT)
    assert forms.for_words[" ستا"] == pytest.approx(1.0)


def test_another_word_for_the_same_thing_is_searched_as_well() -> None:
    forms = build_forms("گارانتی")
    assert "ضمانت" in forms.synonyms
    assert forms.written == "ضمانت"
    assert forms.for_meaning == ("گارانتی", "ضمانت")
    # Together they weigh the weight times the root of their number.
    share = SYNONYM_WEIGHT / len(forms.synonyms) ** 0.5
    assert forms.for_words["ضمان"] == pytest.approx(share)


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
    assert forms.for_meaning[0] == question
    assert all(weight > 0 for weight in forms.for_words.values())
