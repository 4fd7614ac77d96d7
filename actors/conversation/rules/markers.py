"""The marks that part a shared post from the question, and their forgeries.

A post's author could close the post's part early and go on as "the customer": words of
customers and authors therefore lose such marks, in whatever spelling a model would read
as one.
"""

import re
import unicodedata
from collections.abc import Iterator

CONTEXT_BEGIN = "[CONTEXT: {label}]"
CONTEXT_END = "[/CONTEXT]"
QUESTION = "[سوال کاربر]:"

#: Brackets that look square, beside those that Unicode maps to `[` and `]` by itself.
_OPENING, _CLOSING = "【〔⟦〚❲⁅「『〖", "】〕⟧〛❳⁆」』〗"
_BRACKETS = re.compile(rf"[\[［{_OPENING}]")
#: Letters that look like those of the marks; a model reads them alike.
_FOLDED = str.maketrans(
    {
        **dict.fromkeys(_OPENING, "["),
        **dict.fromkeys(_CLOSING, "]"),
        **dict.fromkeys("СсϹϲ", "c"),
        **dict.fromkeys("ОоΟο0٥", "o"),
        **dict.fromkeys("Νν", "n"),
        **dict.fromkeys("ТтΤτ", "t"),
        **dict.fromkeys("ЕеΕε", "e"),
        **dict.fromkeys("ХхΧχ×", "x"),
        **dict.fromkeys("\\⁄∕÷⧸", "/"),
        **dict.fromkeys("كڪ", "ک"),
        **dict.fromkeys("أإآٱ", "ا"),
        "ۇ": "و",
    }
)
_MARK = re.compile(r"\[/*(?:context|(?:س[يی]?وال|پرسش)کاربر)")
#: Spaces, controls, what is not seen, and accents do not part a word for a reader.
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Mn", "Me", "Zs", "Zl", "Zp"})
_TATWEEL = "ـ"


def disarm_marks(text: str) -> str:
    """Return the text with round brackets around what would be read as a mark."""
    if not _BRACKETS.search(text):
        return text
    folded, places = _fold(text)
    letters = list(text)
    for mark in _MARK.finditer(folded):
        letters[places[mark.start()]] = "("
        closing = folded.find("]", mark.end())
        if closing != -1:
            letters[places[closing]] = ")"
    return "".join(letters)


def _fold(text: str) -> tuple[str, list[int]]:
    """Return what a reader sees, and for each letter of it the place in the text."""
    folded: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        for seen in _see(letter):
            folded.append(seen)
            places.append(place)
    return "".join(folded), places


def _see(letter: str) -> Iterator[str]:
    for part in unicodedata.normalize("NFKD", letter.translate(_FOLDED)):
        if part != _TATWEEL and unicodedata.category(part) not in _UNSEEN:
            yield from part.translate(_FOLDED).casefold()
