"""English questions to Persian texts, and Persian questions to English ones."""

from pathlib import Path

import pytest

from retrieval.data.loading import load_rows
from retrieval.query.glossary import is_english, translate_terms, translate_to_english
from retrieval.query.vocabulary import Vocabulary
from retrieval.text.normalise import normalise
from tests.unit.retrieval.query.stationer import TEXTS

HERE = Path(__file__).parent
# Measured: 82 of 82.
FEWEST_TRANSLATED = 0.95


@pytest.fixture(scope="module")
def stationer() -> Vocabulary:
    return Vocabulary(TEXTS)


def words_of(*terms: str) -> set[str]:
    return set(normalise(" ".join(terms)).split())


def test_questions_are_translated(stationer: Vocabulary) -> None:
    lines = (HERE / "english.tsv").read_text(encoding="utf-8").splitlines()
    table = [line.split("\t") for line in lines if line and not line.startswith("#")]
    wrong = [
        (question, terms)
        for question, *needed in table
        if not words_of(*needed)
        <= words_of(*(terms := translate_terms(question, stationer)))
    ]
    assert len(table) >= 80
    assert 1 - len(wrong) / len(table) >= FEWEST_TRANSLATED, wrong


def test_a_phrase_comes_before_its_words() -> None:
    terms = translate_terms("free shipping")
    assert list(terms) == ["ارسال رایگان"]


def test_the_word_that_documents_use_most_weighs_most() -> None:
    terms = translate_terms("What's the price?")
    assert terms["قیمت"] == 1.0
    assert 0 < terms["هزینه"] < 1.0


def test_words_that_tell_nothing_are_left_out(stationer: Vocabulary) -> None:
    assert translate_terms("", stationer) == {}
    assert translate_terms("Is it the one that you would like?") == {}
    assert translate_terms("could you please tell me about that", stationer) == {}


@pytest.mark.parametrize(
    ("english", "persian"),
    [
        *(("shipped", "ارسال"), ("ships", "ارسال"), ("prices", "قیمت")),
        *(("pharmacies", "داروخانه"), ("cancelled orders", "لغو"), ("watches", "ساعت")),
        *(
            ("the shop's address", "آدرس"),
            ("Deliverd", "تحویل"),
            ("waranty", "گارانتی"),
        ),
    ],
)
def test_forms_and_typing_errors_are_found(english: str, persian: str) -> None:
    assert persian in translate_terms(english)


def test_names_are_read_by_their_letters(stationer: Vocabulary) -> None:
    terms = translate_terms("When does Mrs Yazdani teach, and Shokouhi?", stationer)
    assert {"یزدانی", "شکوهی"} <= set(terms)
    assert "یزدانی" not in translate_terms("Yazdani?")


def test_a_latin_name_of_the_texts_is_looked_for_as_it_is(
    stationer: Vocabulary,
) -> None:
    assert translate_terms("Casio please", stationer) == {"casio": 1.0}


def test_a_persian_question_is_turned_into_english_words() -> None:
    terms = translate_to_english("هزینه‌ی ارسال به مشهد چقدره؟")
    assert {"shipping", "mashhad"} & set(terms)
    assert "cost" in translate_to_english("هزینه")
    assert "shirt" in translate_to_english("پیراهنتون")
    assert translate_to_english("") == {}


def test_english_words_are_told_by_their_forms() -> None:
    assert is_english("shipping")
    assert is_english("don't")
    assert not is_english("gheymat")


def test_every_entry_is_lower_case_and_has_persian_words() -> None:
    for english, *persian in load_rows("speech/english.tsv"):
        assert english == normalise(english)
        assert persian
        assert not any(word.isascii() for word in persian)
