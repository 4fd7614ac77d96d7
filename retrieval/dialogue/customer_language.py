"""Tells the customer's language, and Persian that is written in Latin letters."""

import re
from typing import NamedTuple

from retrieval.data.loading import load_groups
from retrieval.dialogue.spelling import fold, read_words
from retrieval.text.language import (
    STOP_WORDS,
    Language,
    detect_language,
    drop_addresses,
)

_GROUPS = ("word", "english", "both", "neutral")
_LISTED = {
    group: frozenset(map(fold, words))
    for group, words in load_groups("speech/finglish_marks.tsv", _GROUPS).items()
}
_ENGLISH = _LISTED["english"].union(fold(w) for w in STOP_WORDS if w.isascii())
# میفرستید, قیمتتون: endings that no English word has.
_FINGLISH_FORM = re.compile(
    r"ne?mi\w{3,}(?:id|in|am|im|an|e)|mi\w{3,}(?:id|am|im)|\w{3,}et(?:on|un)\w{0,2}"
)
_LETTER = re.compile(r"[^\W\d_]")
# A brand or a model alone is of no language; a sentence has more words.
_MAX_NAME_WORDS = 3


class Tongue(NamedTuple):
    """A customer's language, and whether its Persian is written in Latin letters."""

    language: Language
    is_finglish: bool


def read_tongue(text: str, shop_language: Language | None) -> Tongue:
    """Tell the language of a burst; the shop's where nothing in it tells one.

    Finglish is Persian. Words such as ok, and names in Latin letters alone, tell none.
    """
    text = drop_addresses(text)
    otherwise = shop_language or Language.FA
    if _LETTER.search(text) is None:
        return Tongue(otherwise, is_finglish=False)
    if detect_language(text) is Language.FA:
        return Tongue(Language.FA, is_finglish=False)
    words = [word.folded for word in read_words(text) if word.folded.isascii()]
    finglish = sum(_is_finglish(word) for word in words)
    english = sum(word in _ENGLISH and word not in _LISTED["both"] for word in words)
    if finglish and finglish >= english:
        return Tongue(Language.FA, is_finglish=True)
    told = [word for word in words if word not in _LISTED["neutral"]]
    if not english and shop_language and len(told) <= _MAX_NAME_WORDS:
        is_name = not told or shop_language is Language.FA
        return Tongue(otherwise if is_name else Language.EN, is_finglish=False)
    return Tongue(Language.EN, is_finglish=False)


def _is_finglish(word: str) -> bool:
    if word in _LISTED["word"]:
        return True
    return _FINGLISH_FORM.fullmatch(word) is not None and word not in _ENGLISH
