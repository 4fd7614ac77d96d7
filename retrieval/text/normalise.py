"""Normalises text in two ways: folded for keywords, mild for embeddings.

What users wrote is never replaced; these forms live only inside the indexes.
"""

import re
import unicodedata
from functools import lru_cache

_ZWNJ = "\u200c"
_KASHIDA = "\u0640"
# The stages of one search fold the same question six times.
_REMEMBERED_TEXTS = 64

#: One letter has several code points: Arabic keyboards, old fonts, Urdu layouts.
LETTER_FORMS = {"ی": "يىےۓ", "ک": "كڪ", "ه": "ةۀہۂھە"}
#: Letters with hamza or madda, which people leave out when they type.
ACCENTED_FORMS = {"ی": "ئ", "ا": "آأإٱ", "و": "ؤ"}
PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩"
DECIMAL_POINT = "٫"
#: Latin digits of the Persian and Arabic ones.
LATIN_DIGITS = {
    digit: str(value)
    for digits in (PERSIAN_DIGITS, ARABIC_DIGITS)
    for value, digit in enumerate(digits)
}
# Harakat, superscript alef, Quranic signs, and the hamza and madda that NFKC could
# not compose into a letter of their own (ئ, ؤ, أ, آ).
_MARKS = [chr(c) for c in (*range(0x0610, 0x061B), *range(0x064B, 0x0660), 0x0670)]
_MARKS += [chr(c) for c in range(0x06D6, 0x06EE) if unicodedata.combining(chr(c))]
# Unseen in print: soft hyphen, direction marks, joiners, byte order mark.
_UNSEEN = [chr(c) for c in (0xAD, 0x61C, 0x200B, 0x200D, 0x200E, 0x200F, 0xFEFF)]
_UNSEEN += [chr(c) for c in (*range(0x202A, 0x202F), *range(0x2060, 0x2070))]
_CONTROLS = [chr(c) for c in (*range(0x01, 0x20), *range(0x7F, 0xA0)) if c != 0x0A]

_MILD = {
    **{form: letter for letter, forms in LETTER_FORMS.items() for form in forms},
    **LATIN_DIGITS,
    **dict.fromkeys((_KASHIDA, *_MARKS, *_UNSEEN), ""),
    **dict.fromkeys(_CONTROLS, " "),
    # NUL ends a string in C: an embedder would see half of the text.
    "\0": "",
}
# Few letters change: looking for those is four times as fast as `str.translate`, which
# asks for every letter.
_CHANGES = re.compile("[{}]".format("".join(map(re.escape, _MILD))))
_SURROGATES = re.compile("[\ud800-\udfff]")  # half of a pair has no UTF-8 form
_THOUSANDS = re.compile(r"(?<=[0-9])[٬,،](?=[0-9]{3}(?![0-9]))")
_DECIMAL = re.compile(rf"(?<=[0-9]){DECIMAL_POINT}(?=[0-9])")
_EZAFE = re.compile(f"ه{_ZWNJ}+ی(?!\\w)")
_SPACED_EZAFE = re.compile(r"ه(?: ی)+(?= |$)")
_NOT_WORD = re.compile(r"[^\w\s.]|_|(?<![0-9])\.|\.(?![0-9])")


def normalise_mildly(text: str) -> str:
    """Spell a text one way for the dense arm, and leave it readable.

    NFKC, Persian ye and kaf, Latin digits, no diacritics and no kashida; half-space,
    punctuation and case stay, because the model has learned from them. Idempotent.
    """
    text = unicodedata.normalize("NFKC", _SURROGATES.sub("", text))
    return unicodedata.normalize("NFKC", _spell(text)).strip()


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def normalise(text: str) -> str:
    """Fold a text to bare lower-case words, as the sparse arm compares them.

    On top of the mild form: no half-space, no accent on any letter (آ is ا), no
    punctuation or symbol, ه‌ی and ه ی as ه, a number spelled one way (`۱٬۲۸۰٬۰۰۰` is
    `1280000`, `۲٫۵` is `2.5`). Idempotent.
    """
    text = _EZAFE.sub("ه", normalise_mildly(text)).casefold()
    # Decomposed, an accent is a character of its own, which is then dropped.
    text = _spell(unicodedata.normalize("NFKD", text))
    text = _DECIMAL.sub(".", _THOUSANDS.sub("", text))
    text = " ".join(_NOT_WORD.sub(_drop_or_space, text).split())
    return _SPACED_EZAFE.sub("ه", unicodedata.normalize("NFC", text))


def has_words(text: str) -> bool:
    """Tell whether a text has anything to search for: a letter or a digit.

    Blanks, half-spaces, punctuation, emoji and marks without their letter are no words.
    Their vectors are near to any passage by chance, so they must not reach a search.
    """
    return bool(normalise(text))


def _spell(text: str) -> str:
    return _CHANGES.sub(lambda match: _MILD[match[0]], text)


def _drop_or_space(match: re.Match[str]) -> str:
    """Close the gap after marks and format characters, open one for the others."""
    return "" if unicodedata.category(match[0])[0] in "MC" else " "
