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

_ZWNJ = "\u200c"
# Written words that only their neighbours tell from spoken ones: ضد شوره, but این شوره.
_KEPT = r"""
    ضد[ \u200c]+(?:شوره|کنه)
    | شوره(?=[ ]+(?:سر|مو|دار|می|گرفت))
    | اصله(?=[ ]+(?:نهال|درخت))
    | (?:گوشت|ران|ماهیچه|دنده|گردن|کباب)[ ]+بره
    | بدین(?=[ ]+(?:ترتیب|سان|معن|منظور|وسیله|گونه|جهت|خاطر|دلیل|صورت|شکل|شرح|طریق))
    | (?:قرن|سده)[ ]+یکم
    | فک(?![ ]+(?:ن?می|ن?کن|کرد))  # the jaw; without "I do", it is no thought
"""
# Many write می apart from its verb.
_WORD = re.compile(
    rf"(?<!\w)(?P<kept>{_KEPT})(?![\w\u200c])"
    r"|(?P<prefix>(?<!\w)ن?می[ ]+)?(?P<word>[\w\u200c]+)",
    re.VERBOSE,
)
# No Persian word has a letter three times in a row: لطفاااا is لطفا.
_STRETCHED = re.compile(r"([\u0621-\u06cc])\1{2,}")
_READINGS = (
    written_verb,
    written_noun,
    written_verb_with_object,
    written_unlisted_noun,
)
_VERB_PREFIXES = ("می", "نمی", "برمی", "درمی", "برنمی", "درنمی")
# Endings as documents write them, after a half-space.
_WRITTEN_ENDING = re.compile(
    "(?:ها(?:ی(?:م|ت|ش|ی|مان|تان|شان)?)?|ترین|تری?|ای|ا[مش]|ات|اند?|است)"
)
_SPOKEN_OWNER = re.compile("[متش](?:و|رو|ه)?")
_SHORTEST_HEAD = 3
# People use few words, and each is asked for several times in a question.
_REMEMBERED_WORDS = 8_192


def write_formally(text: str) -> str:
    """Spell a spoken question as a document would; what is written stays as it is.

    By hand: `پستتون چنده؟` becomes `پست شما چقدر است؟`. Idempotent for most words, and
    never used as what a person reads.
    """
    return _WORD.sub(_write_match, normalise_mildly(text))


def _write_match(match: re.Match[str]) -> str:
    if match["kept"] is not None:
        return match["kept"]
    prefix, word = match["prefix"], match["word"]
    if prefix is None:
        return _write_word(word)
    return written_verb(bare(prefix.strip() + word)) or prefix + _write_word(word)


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _write_word(spoken: str) -> str:
    spoken = _STRETCHED.sub(r"\1", spoken)
    word = bare(spoken)
    written = _read(word)
    if word == spoken or word in COLLOQUIAL:
        return written or spoken
    # Half-spaces are put with care: what reads across them is misread.
    head, tail = spoken.rsplit(_ZWNJ, 1)
    if _WRITTEN_ENDING.fullmatch(tail) and len(head) >= _SHORTEST_HEAD:
        known = COLLOQUIAL.get(bare(head)) or WORDS.get(bare(head)) or head
        return spoken if bare(known) == bare(head) else f"{known}{_ZWNJ}{tail}"
    if written is None or bare(written) == word:
        return spoken
    return written if _is_kept_apart(spoken, written) else spoken


def _is_kept_apart(spoken: str, written: str) -> bool:
    """Tell whether a word is written with what stands before its first half-space."""
    head, tail = spoken.split(_ZWNJ, 1)
    if head in _VERB_PREFIXES:
        return True
    for beginning in (head, _write_word(head)):
        if written.startswith(beginning):
            following = written[len(beginning) : len(beginning) + 1]
            return not following.isalpha() or bool(_SPOKEN_OWNER.fullmatch(tail))
    return False


def _read(word: str) -> str | None:
    if word in COLLOQUIAL:
        return COLLOQUIAL[word]
    # A listed word comes first: نمونه is a sample, and no negated verb.
    if word in WORDS:
        return WORDS[word]
    readings = (reading(word) for reading in _READINGS)
    return next((written for written in readings if written is not None), None)
