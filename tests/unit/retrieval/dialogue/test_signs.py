"""Patterns of words: choices, endings, gaps, and what they keep."""

import pytest

from retrieval.dialogue.signs import compile_pattern
from retrieval.dialogue.spelling import fold, read_words


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a/b c", "b c", True),
        ("a/b c", "b d", False),
        ("bro*", "it broke", True),
        ("*oke", "it broke", True),
        ("a [b] c", "a c", True),
        ("a [b] c", "a b c", True),
        ("a [b] c", "a d c", False),
        ("a .. c", "a 1 2 3 4 5 6 c", True),
        ("a .. c", "a 1 2 3 4 5 6 7 c", False),
        ("^ a $", "a b", False),
        ("a b/$", "a", True),
        ("ثبت‌نام", "ثبت نام", True),
        ("ثبت‌نام", "ثبتنام", True),
        ("دادید", "دادین", True),
    ],
)
def test_a_pattern_is_words_with_gaps(pattern: str, text: str, *, fits: bool) -> None:
    folded = "".join(f" {word.folded}" for word in read_words(text))
    assert (compile_pattern(pattern).search(folded) is not None) == fits


def test_a_pattern_keeps_what_stands_at_its_braces() -> None:
    match = compile_pattern("^ not .. but {} $").search(" not this but that one")
    assert match is not None
    assert match["kept"] == " that one"


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("سلاااام", "سلام"),
        ("مرصی", "مرسی"),
        ("خسته‌نباشین", "خستهنباشید"),
        ("كيفيتتون", "کیفیتتان"),
        ("Don't", "dont"),
        ("HELLO", "hello"),
    ],
)
def test_usual_spellings_of_a_word_are_equal(written: str, other: str) -> None:
    assert fold(written) == fold(other)


def test_a_word_keeps_its_place_and_a_prefix_belongs_to_its_verb() -> None:
    text = "سلام، نمی خوام 👍🏽"
    words = read_words(text)
    assert [word.folded for word in words] == ["سلام", "نمیخوام", "👍"]
    assert text[words[1].start : words[1].end] == "نمی خوام"
    assert words[2].is_sign
