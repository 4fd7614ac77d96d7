"""Which of our two languages a text is written in, by its script."""

import re
from enum import StrEnum


class Language(StrEnum):
    """The languages that the system answers in."""

    FA = "fa"
    EN = "en"


_PERSIAN = re.compile("[\u0620-\u064a\u066e-\u06d3\u06d5\ufb50-\ufdff\ufe70-\ufefc]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")

# Persian shoppers write brand and model names in Latin ("قیمت Nike Air Max"), while
# English text hardly ever holds Persian letters: a fifth is enough.
_PERSIAN_SHARE = 0.2


def detect_language(text: str) -> Language:
    """Tell Persian from English; a text without letters counts as Persian."""
    persian = len(_PERSIAN.findall(text))
    letters = persian + len(_LATIN.findall(text))
    if letters == 0 or persian / letters >= _PERSIAN_SHARE:
        return Language.FA
    return Language.EN
