"""Typing errors: mended where one known word fits best, and nothing else is touched."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import pytest

from retrieval.query.spelling import correct, correct_text
from retrieval.query.vocabulary import Vocabulary
from retrieval.text.normalise import normalise, normalise_mildly
from tests.unit.retrieval.query.stationer import TEXTS
from tests.unit.retrieval.samples import SHARED

HERE = Path(__file__).parent
ZWNJ = "\u200c"
WORD = re.compile(rf"[\u0621-\u063a\u0641-\u06cc]+(?:{ZWNJ}+[\u0621-\u06cc]+)*")

# Measured: 76 of 80, and 163 of 171.
FEWEST_BY_HAND = 0.90
FEWEST_BY_RULE = 0.85
# Measured on formal passages: 0.55 % of all words, mostly foreign names.
MOST_CHANGED = 0.009
MOST_SECONDS_A_QUESTION = 0.015  # five times what is asked for, on a busy machine

SOUNDS = ("سصث", "تط", "زذضظ", "قغ", "هح")
STAND_INS = str.maketrans("پچژگ", "بجزک")
ROWS = ("ضصثقفغعهخحجچ", "شسیبلاتنمکگ", "ظطزرذدپو")
EACH_RULE = 25


@pytest.fixture(scope="module")
def stationer() -> Vocabulary:
    return Vocabulary(TEXTS)


def rows(name: str) -> list[list[str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def same_sound(word: str) -> str:
    """Put another letter of the same sound for the first that has one."""
    for at, letter in enumerate(word):
        for sound in SOUNDS:
            if letter in sound:
                other = sound[(sound.index(letter) + 1) % len(sound)]
                return f"{word[:at]}{other}{word[at + 1 :]}"
    return word


def neighbour(word: str) -> str:
    """Hit the key beside that of the middle letter."""
    at = len(word) // 2
    for keys in ROWS:
        if word[at] in keys:
            other = keys[keys.index(word[at]) - 1]
            return f"{word[:at]}{other}{word[at + 1 :]}"
    return word


def left_out(word: str) -> str:
    """Leave out the letter before the last."""
    return word[:-2] + word[-1]


def doubled(word: str) -> str:
    """Hit the middle letter twice."""
    at = len(word) // 2
    return word[: at + 1] + word[at:]


def swapped(word: str) -> str:
    """Change the places of the middle letters."""
    at = len(word) // 2
    return f"{word[: at - 1]}{word[at]}{word[at - 1]}{word[at + 1 :]}"


def stood_in(word: str) -> str:
    """Type on an Arabic keyboard."""
    return word.translate(STAND_INS)


def joined(word: str) -> str:
    """Forget the space before the next word."""
    return f"{word}رایگان"


RULES = (same_sound, neighbour, left_out, doubled, swapped, stood_in, joined)


def mistyped(vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """Make 25 errors by each rule, from words of five letters; none is a known word."""
    words = sorted({w for text in TEXTS for w in WORD.findall(normalise_mildly(text))})
    folded = [normalise(word) for word in words if ZWNJ not in word]
    long = [word for word in dict.fromkeys(folded) if len(word) >= 5]
    for rule in RULES:
        typed = ((rule(word), word) for word in long)
        real = [
            (wrong, f"{word} رایگان" if rule is joined else word)
            for wrong, word in typed
            if wrong != word and not vocabulary.known(wrong)
        ]
        # Every rule takes its words from all of the alphabet.
        yield from real[:: max(1, len(real) // EACH_RULE)][:EACH_RULE]


def test_errors_that_people_made_are_mended(stationer: Vocabulary) -> None:
    table = rows("typos.tsv")
    wrong = [
        (typed, mended)
        for typed, meant in table
        if normalise(mended := correct_text(typed, stationer)) != normalise(meant)
    ]
    assert len(table) >= 60
    assert 1 - len(wrong) / len(table) >= FEWEST_BY_HAND, wrong


def test_errors_made_by_rule_are_mended(stationer: Vocabulary) -> None:
    table = list(mistyped(stationer))
    wrong = [
        (typed, mended)
        for typed, meant in table
        if (mended := correct(typed, stationer)) != meant
    ]
    assert len(table) >= 150
    assert 1 - len(wrong) / len(table) >= FEWEST_BY_RULE, wrong


def test_no_word_of_the_tenant_is_ever_changed(stationer: Vocabulary) -> None:
    for text in TEXTS:
        assert correct_text(text, stationer) == normalise_mildly(text)


@pytest.mark.parametrize(
    "question",
    [
        "سلام، ببخشید قیمت دفتر صد برگ چنده؟",
        "می فرستید شهرستان یا حضوری باید بیایم؟",
        "سفارشم رو کی می‌فرستین، دیروز ثبت کردم",
        "واسه بچه‌ی هفت ساله چی پیشنهاد می‌دین",
        "اردیبهشت هم کلاس دارید یا فقط تیر ماه",
        "رنگ زرشکی و خاکستریش موجوده؟",
        "از تبریز سفارش بدم چند روزه می‌رسه",
        "نمی‌خوامش، می‌شه لغوش کنم؟",
        "شماره کارتتونو بدین واریز کنم",
        "خانم رضایی و آقای محمدی هستن؟",
    ],
)
def test_well_written_questions_stay(stationer: Vocabulary, question: str) -> None:
    assert correct_text(question, stationer) == normalise_mildly(question)


def test_formal_passages_are_hardly_changed(stationer: Vocabulary) -> None:
    path = SHARED / "fa_dev" / "corpus.jsonl"
    if not path.exists():
        pytest.skip("the shared data is not here")
    rows = path.read_text(encoding="utf-8").splitlines()[:300]
    passages = [json.loads(row)["text"] for row in rows]
    words = [w for text in passages for w in WORD.findall(normalise_mildly(text))]
    kept: dict[str, bool] = {}
    for word in words:
        if word not in kept:
            kept[word] = correct_text(word, stationer) == word
    known = {word for word in kept if stationer.spells(normalise(word))}
    assert all(kept[word] for word in known)
    assert sum(not kept[word] for word in words) / len(words) <= MOST_CHANGED


def test_two_words_that_fit_equally_well_leave_it_as_it_is() -> None:
    vocabulary = Vocabulary(("کنارستان", "کناطستان"))
    assert correct("کنازستان", vocabulary) is None
    assert correct("کنازستان", Vocabulary(("کنارستان",))) == "کنارستان"


def test_the_tenants_word_comes_before_a_general_one() -> None:
    assert correct("کتانس", Vocabulary(("کتانی سفید",))) == "کتانی"
    assert correct("دمنوس", Vocabulary(("دمنوش به‌لیمو",))) == "دمنوش"


def test_a_torn_word_is_joined_and_a_verb_is_read_with_its_prefix(
    stationer: Vocabulary,
) -> None:
    assert correct_text("ار سال دارین", stationer) == "ارسال دارین"
    assert normalise(correct_text("می فرسطید", stationer)) == "میفرستید"


def test_what_is_no_persian_word_is_left_alone(stationer: Vocabulary) -> None:
    for word in ("", "ab", "iphone", "a35", "۱۲۳۴۵", "؟", "هم", "xl"):
        assert correct(word, stationer) is None
    assert correct_text("a35 و iPhone 😘", stationer) == "a35 و iPhone 😘"


def test_a_question_is_mended_in_a_few_milliseconds(stationer: Vocabulary) -> None:
    question = "سلام هذینه ارصال دفتر نقاسی به شهرصتان چقدزه و چندروزه میرصه"
    correct_text("ارصالی", stationer)
    start = process_time()
    correct_text(question, stationer)
    assert process_time() - start < MOST_SECONDS_A_QUESTION
