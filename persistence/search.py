"""How words are found in whatever way they are spelt.

The words are turned into a regular expression that matches every spelling of them, so
the stored text stays as it is: nothing is folded, stored or indexed for each message
that comes, only for the few times that somebody searches.
"""

import re

from retrieval.text.normalise import (
    ACCENTED_FORMS,
    ARABIC_DIGITS,
    LETTER_FORMS,
    PERSIAN_DIGITS,
)

#: What is longer is found by its beginning: the pattern's cost grows with its length.
MAX_LETTERS = 40
_LETTERS = [
    letter + LETTER_FORMS.get(letter, "") + ACCENTED_FORMS.get(letter, "")
    for letter in LETTER_FORMS | ACCENTED_FORMS
]
_DIGITS = map("".join, zip("0123456789", PERSIAN_DIGITS, ARABIC_DIGITS, strict=True))
_FORMS = {letter: group for group in (*_LETTERS, *_DIGITS) for letter in group}
#: May stand between two letters (می‌خواهم, می خواهم and میخواهم are one word): spaces,
#: joiners and direction marks, kashida, diacritics, punctuation.
_IGNORED = (
    "[\\s\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff\u0640\u064b-\u065f\u0670"
    "،؛؟٬٫٪«»…–—.,;:!?\"'`´()<>/|_*~^=+&%$#@{}\\[\\]\\\\\\-]*"
)
_IS_IGNORED = re.compile(_IGNORED)


def build_search_pattern(words: str) -> str | None:
    """Build the pattern for `~*`; None when there is no letter to search by."""
    letters = [
        f"[{_FORMS[letter]}]" if letter in _FORMS else re.escape(letter)
        for letter in words
        if not _IS_IGNORED.fullmatch(letter)
    ]
    return _IGNORED.join(letters[:MAX_LETTERS]) or None
