"""The words of one tenant: counted, known by their endings, and found by likeness."""

import json
from itertools import islice
from math import log
from pathlib import Path
from time import process_time

import pytest

from retrieval.query.letters import (
    are_stand_ins,
    fold_sounds,
    is_persian_word,
    key_distance,
    latin_skeletons,
    persian_skeleton,
)
from retrieval.query.verb_forms import verb_forms
from retrieval.query.vocabulary import Vocabulary, split_endings
from retrieval.query.written_words import load_written_words
from retrieval.text.normalise import normalise
from tests.unit.retrieval.query.stationer import TEXTS

DEMO = Path(__file__).parents[4] / "deployments" / "commands" / "demo"
# Several times what it takes on an idle core, so that a busy machine does not fail it.
MOST_SECONDS = 6.0


@pytest.fixture(scope="module")
def stationer() -> Vocabulary:
    return Vocabulary(TEXTS)


def test_a_word_is_counted_once_for_each_text() -> None:
    vocabulary = Vocabulary(("دفتر و دفتر", "دفتر سیمی", "مداد"))
    assert vocabulary.count("دفتر") == 2
    assert vocabulary.count("خودکار") == 0
    assert "مداد" in vocabulary
    assert "خودکار" not in vocabulary


def test_a_rarer_word_weighs_more_as_bm25_has_it() -> None:
    vocabulary = Vocabulary(("دفتر", "دفتر سیمی", "مداد"))
    assert vocabulary.rarity("مداد") == pytest.approx(log(1 + 2.5 / 1.5))
    assert vocabulary.rarity("دفتر") == pytest.approx(log(1 + 1.5 / 2.5))


def test_a_text_that_goes_takes_its_words_along() -> None:
    vocabulary = Vocabulary(("دفتر نارگیلک",))
    vocabulary.add("دفتر سیمی")
    vocabulary.remove("دفتر نارگیلک")
    assert vocabulary.count("دفتر") == 1
    assert not vocabulary.known("نارگیلک")
    assert "نارگیلک" not in dict(vocabulary.near("نارگیلگ", 2))


@pytest.mark.parametrize(
    "word",
    [
        *("آبرنگ", "ابرنگ", "آبرنگها", "آبرنگ‌هاتون", "جامدادیش", "کله‌مورچه", "مورچه"),
        *("فابرکاستل", "casio", "fx991", "۴۲۰", "میفرستین", "نمی‌پذیرفتند", "برنگشت"),
        *("بنویس", "آمادس", "صفحش", "قیمتاشون", "چنده", "اردیبهشت", "زرشکی", "کدیه"),
        *("سازمان", "دانشگاه‌ها", "کاربران", "پذیرفته"),
    ],
)
def test_words_of_the_texts_and_of_all_customers_are_known(
    stationer: Vocabulary, word: str
) -> None:
    assert stationer.known(word)


@pytest.mark.parametrize("word", ["ارصال", "قیمط", "کلوجه", "میفرستیذ", "دیویست"])
def test_mistyped_words_are_not_known(stationer: Vocabulary, word: str) -> None:
    assert not stationer.known(word)


def test_written_words_are_folded_and_fall_in_frequency() -> None:
    words = load_written_words()
    frequencies = [*words.values()]
    assert all(is_persian_word(word) and normalise(word) == word for word in words)
    assert frequencies == sorted(frequencies, reverse=True)
    assert words["سازمان"] > words["پذیرفته"] > 1e-6


def test_rare_written_words_are_spelled_but_bear_no_endings() -> None:
    vocabulary = Vocabulary()
    assert vocabulary.known("سازمانت")
    assert vocabulary.spells("دیویس")
    assert not vocabulary.known("دیویست")


def test_what_a_torn_word_leaves_is_no_word() -> None:
    assert "ار" in load_written_words()
    assert not Vocabulary().known("ار")


def test_a_word_is_written_as_the_texts_write_it(stationer: Vocabulary) -> None:
    assert stationer.surface("کلهمورچه") == "کله‌مورچه"
    assert stationer.surface("ابرنگ") == "آبرنگ"
    assert stationer.surface("هزینه") == "هزینه"


def test_stems_are_listed_words(stationer: Vocabulary) -> None:
    assert "ابرنگ" in stationer.stems("ابرنگهاشون")
    assert stationer.stems("گپژچ") == ()


def test_endings_pile_up_and_a_silent_he_comes_back() -> None:
    assert dict(split_endings("قیمتاشون"))["قیمت"] == "اشون"
    assert dict(split_endings("صفحش"))["صفحه"] == "ش"


def test_near_words_are_one_or_two_letters_away(stationer: Vocabulary) -> None:
    assert dict(stationer.near("پرکار", 1))["پرگار"] == 0, "one key on Arabic keyboards"
    assert dict(stationer.near("پرگاز", 1))["پرگار"] == 1
    assert dict(stationer.near("خشنویصی", 2))["خوشنویسی"] == 1
    assert dict(stationer.near("دفرت", 1))["دفتر"] == 1, "swapped in the middle"


def test_words_with_the_same_consonants_are_found_by_latin_letters(
    stationer: Vocabulary,
) -> None:
    assert "دمنوش" in stationer.sounding("damnoosh")
    assert "سررسید" in stationer.sounding("sarresid")


def test_letters_of_one_sound_fold_and_keys_have_neighbours() -> None:
    assert fold_sounds("غرص") == fold_sounds("قرس")
    assert key_distance("ب", "ل") == 0
    assert key_distance("ب", "ق") == 1
    assert key_distance("ب", "ک") is None
    assert are_stand_ins("ج", "چ")
    assert persian_skeleton("هزینه") == "zn"
    assert latin_skeletons("eshal") == ("Sl", "sl")


def test_verbs_have_their_forms() -> None:
    forms = verb_forms()
    assert {"میفرستین", "نمیفرستید", "بنویس", "برنمیگرده", "نداشتین"} <= forms
    assert "میفرست" not in forms


def test_ten_thousand_chunks_are_read_in_about_a_second() -> None:
    rows = (DEMO / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    documents = [json.loads(row)["text"] for row in rows]
    chunks = [text[at : at + 500] for text in documents for at in range(0, 400, 100)]
    many = list(islice((f"{c} {d}" for c in chunks for d in documents), 10_000))
    start = process_time()
    vocabulary = Vocabulary(text[:700] for text in many)
    assert process_time() - start < MOST_SECONDS
    assert len(vocabulary) > 1_000
