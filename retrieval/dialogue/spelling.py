"""Reads a message as words to compare, each with its place in what was written."""

import re
from dataclasses import dataclass
from functools import lru_cache

from retrieval.text.normalise import normalise

_REMEMBERED_WORDS = 4_096
# Half-space, joiner, kashida and short vowels stand inside of words, apostrophes too.
_INSIDE = "\u200c\u200d\u0640\u064b-\u065f\u0670'’"
# Skin tones, joiners and variation selectors change no emoji's meaning.
_SHADES = "\U0001f3fb-\U0001f3ff\u200d\ufe0f\ufe0e"
_TOKEN = re.compile(
    rf"(?P<word>[^\W_](?:[\w{_INSIDE}]|[.,٬٫](?=\d))*)"
    rf"|(?P<sign>[\u2190-\u2bff\u3030\U0001f000-\U0001faff])[{_SHADES}]*"
)
_APOSTROPHES = re.compile("['’]")
_REPEATED = re.compile(r"([^\W\d_])\1+")
# Letters of one sound, of which people write the one that comes to mind.
_SOUNDS = str.maketrans("صثذضظطغح", "سسزززتقه")
_PREFIXES = frozenset(("می", "نمی"))
_ENDED = re.compile(r"(?<=..)ین$|(?<=..)(?:[تمش]ون)$")
_SPOKEN_ENDINGS = {"ین": "ید", "تون": "تان", "مون": "مان", "شون": "شان"}


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is compared, and its place: `text[start:end]` is what was written.

    An emoji is a word of its own, without its skin tone.
    """

    folded: str
    start: int
    end: int

    @property
    def is_sign(self) -> bool:
        """Tell an emoji from a word."""
        return not self.folded[0].isalnum()


@lru_cache(maxsize=_REMEMBERED_WORDS)
def fold(word: str) -> str:
    """Fold a word so that its usual spellings are equal.

    By hand: سلاااام is سلام, مرصی is مرسی, خسته‌نباشین is خستهنباشید.
    """
    return _ENDED.sub(lambda match: _SPOKEN_ENDINGS[match[0]], fold_stem(word))


def fold_stem(stem: str) -> str:
    """Fold the beginning of a word, whose end is not known."""
    plain = normalise(_APOSTROPHES.sub("", stem)).replace(" ", "")
    if not plain:
        return stem  # an emoji
    return _REPEATED.sub(r"\1", plain.translate(_SOUNDS))


def read_words(text: str) -> list[Word]:
    """Read the words and emoji of a text; می and نمی belong to the word behind them."""
    words: list[Word] = []
    for match in _TOKEN.finditer(text):
        written = match["sign"] or match["word"]
        folded = fold(written)
        if words and words[-1].folded in _PREFIXES and match["sign"] is None:
            start = words.pop().start
            folded = fold(text[start : match.end()].replace(" ", ""))
            words.append(Word(folded, start, match.end()))
        else:
            words.append(Word(folded, match.start(), match.end()))
    return words
