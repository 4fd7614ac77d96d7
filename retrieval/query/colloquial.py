"""Rewrites spoken Persian as written Persian, word by word."""

import re
from functools import lru_cache

from retrieval.query.nouns import (
    COLLOQUIAL,
    WORDS,
    bare,
    written_noun,
    written_unlisted_noun,
)
from retrieval.query.verbs import written_verb, written_verb_with_object
from retrieval.text.normalise import normalise_mildly

# Many write می apart from its verb.
_WORD = re.compile(r"(?P<prefix>(?<!\w)ن?می +)?(?P<word>[\w\u200c]+)")
# No Persian word has a letter three times in a row: لطفاااا is لطفا.
_STRETCHED = re.compile(r"([\u0621-\u06cc])\1{2,}")
_READINGS = (
    written_verb,
    written_noun,
    written_verb_with_object,
    written_unlisted_noun,
)
# People use few words, and each is asked for several times in a question.
_REMEMBERED_WORDS = 8_192


def write_formally(text: str) -> str:
    """Spell a spoken question as a document would; what is written stays as it is.

    By hand: `پستتون چنده؟` becomes `پست شما چقدر است؟`. Idempotent for most words, and
    never used as what a person reads.
    """
    return _WORD.sub(_write_match, normalise_mildly(text))


def _write_match(match: re.Match[str]) -> str:
    prefix, word = match["prefix"], match["word"]
    if prefix is None:
        return _write_word(word)
    return written_verb(bare(prefix.strip() + word)) or prefix + _write_word(word)


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _write_word(spoken: str) -> str:
    spoken = _STRETCHED.sub(r"\1", spoken)
    word = bare(spoken)
    if word in COLLOQUIAL:
        return COLLOQUIAL[word]
    # A listed word comes first: نمونه is a sample, and no negated verb.
    if word in WORDS:
        return WORDS[word]
    readings = (reading(word) for reading in _READINGS)
    return next((written for written in readings if written is not None), spoken)
