"""The words of a shop's chunks are counted, and taken out again."""

import pytest

from retrieval.index.lexicon import Lexicon
from retrieval.query.terms import make_term
from tests.unit.retrieval.shops import BAKERY, BICYCLES, count_words, cut_all

TAILOR = (
    (
        "خیاطی",
        "کوتاه کردن شلوار ۱۲۰ هزار تومان است.\n\nتعویض زیپ iPhone نداریم.\n\n"
        "کت و شلوار: دوخت ۱۰ روز طول می‌کشد.",
    ),
)


def counted(lexicon: Lexicon, *words: str) -> dict[str, tuple[int, bool, float]]:
    return {
        word: (
            lexicon.count(make_term(word)),
            lexicon.names(make_term(word)),
            lexicon.rarity(make_term(word)),
        )
        for word in words
    }


def test_a_word_is_counted_once_for_each_chunk() -> None:
    lexicon = count_words(BICYCLES)
    assert lexicon.count(make_term("البرز")) == 1
    assert lexicon.count(make_term("تومان")) == 4
    assert lexicon.count(make_term("نانوایی")) == 0


@pytest.mark.parametrize("word", ["شلوارم", "شلوارها", "شلوارتون"])
def test_a_word_is_counted_in_all_its_forms(word: str) -> None:
    assert count_words(TAILOR).count(make_term(word)) == 2


def test_what_is_removed_is_counted_no_more() -> None:
    lexicon = count_words([*BICYCLES, *BAKERY])
    lexicon.remove(cut_all(BAKERY))
    left = count_words(BICYCLES)
    words = ("البرز", "سنگک", "نان", "تومان", "قیمت", "باگت")
    assert counted(lexicon, *words) == counted(left, *words)
    assert not lexicon.holds("سنگک")


def test_what_comes_back_is_counted_again() -> None:
    lexicon = count_words(BAKERY)
    before = counted(lexicon, "سنگک", "نان")
    lexicon.remove(cut_all(BAKERY))
    lexicon.add(cut_all(BAKERY))
    assert counted(lexicon, "سنگک", "نان") == before


def test_a_rare_word_weighs_one_and_one_of_every_chunk_little() -> None:
    lexicon = count_words(BAKERY)
    assert lexicon.rarity(make_term("گلوتن")) == 1.0
    assert lexicon.rarity(make_term("نان")) < 0.6
    assert lexicon.rarity(make_term("هواپیما")) == 1.0
    assert Lexicon().rarity(make_term("نان")) == 1.0


@pytest.mark.parametrize(
    ("word", "is_name"),
    [
        pytest.param("البرز", True, id="the name of a row"),
        pytest.param("تعمیرگاه", True, id="a title"),
        pytest.param("باربری", False, id="a word of a sentence"),
        pytest.param("گلوتن", False, id="a word of another shop"),
    ],
)
def test_titles_and_the_names_of_rows_are_names(
    word: str,
    is_name: bool,
) -> None:
    assert count_words(BICYCLES).names(make_term(word)) is is_name


def test_a_line_that_opens_with_a_name_has_that_name() -> None:
    lexicon = count_words(TAILOR)
    assert lexicon.names(make_term("کت"))
    assert not lexicon.names(make_term("زیپ"))


def test_a_word_is_found_in_the_other_script_while_it_is_held() -> None:
    lexicon = count_words(TAILOR)
    assert lexicon.other_script(make_term("آیفون")) == ("iphone",)
    lexicon.remove(cut_all(TAILOR))
    assert lexicon.other_script(make_term("آیفون")) == ()


def test_words_of_two_letters_and_codes_have_no_other_script() -> None:
    lexicon = count_words(TAILOR)
    assert lexicon.other_script(make_term("آی")) == ()
    assert lexicon.other_script(make_term("b13")) == ()
