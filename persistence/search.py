"""Search patterns that match a word in all of its Persian spellings.

The words become a regular expression that matches every spelling of them. The stored
text stays as it is: the cost falls on the rare search, not on every message.
"""

import re

from retrieval.text.normalise import (
    ACCENTED_FORMS,
    ARABIC_DIGITS,
    LETTER_FORMS,
    PERSIAN_DIGITS,
)

#: A longer search is cut: the cost of a pattern grows with its length.
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
