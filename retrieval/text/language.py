"""Detects Persian or English by the script of a text."""

import re
from enum import StrEnum

from retrieval.text.links import LINK, drop_links


class Language(StrEnum):
    """The languages that the system answers in."""

    FA = "fa"
    EN = "en"


_PERSIAN = re.compile("[\u0620-\u064a\u066e-\u06d3\u06d5\ufb50-\ufdff\ufe70-\ufefc]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
#: Mail addresses and names of accounts as well: no language has them for its own.
_ADDRESSES = re.compile(rf"{LINK}|[\w.+-]{{1,64}}@[\w.-]+|@[\w.]+", re.IGNORECASE)

# Persian shoppers write brand and model names in Latin ("قیمت Nike Air Max"), while
# English text hardly ever holds Persian letters: a fifth is enough.
_PERSIAN_SHARE = 0.2


def drop_addresses(text: str) -> str:
    """Leave what somebody has written themselves, without the links in it."""
    # Each word may begin an address: where there is none, as in most passages of an
    # index, looking for it took longer than all else.
    return _ADDRESSES.sub(" ", text) if "@" in text else drop_links(text)


def detect_language(text: str) -> Language:
    """Tell Persian from English; a text without letters counts as Persian.

    A link to a product beside a short question has more letters than the question.
    """
    text = drop_addresses(text)
    persian = len(_PERSIAN.findall(text))
    letters = persian + len(_LATIN.findall(text))
    if letters == 0 or persian / letters >= _PERSIAN_SHARE:
        return Language.FA
    return Language.EN
