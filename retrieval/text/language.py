"""Detects the language of a text; finds its links and stop words, which hide it."""

import re
from enum import StrEnum
from urllib.parse import unquote

from retrieval.data.loading import load_groups
from retrieval.text.normalise import normalise

#: Marks of Persian end a link, for many write on behind them without a space; quotes
#: and angle brackets end one, since it may be shown inside of a page.
LINK_CHARACTER = r"[^\s<>\"'،؛؟«»]"
LINK = rf"(?:https?://|www\.){LINK_CHARACTER}+"
_LINKS = re.compile(LINK, re.IGNORECASE)
# A link to open has its scheme, and the marks behind it belong to the sentence.
_OPENED = re.compile(
    rf"(https?://{LINK_CHARACTER}*(?![.,;:!?()\[\]…]){LINK_CHARACTER})"
)
_HOST = re.compile(r"(?:https?://)?[^/?#]*", re.IGNORECASE)
_SIGNS = re.compile(r"[\W_]+")


def drop_links(text: str) -> str:
    """Leave a text without the links in it."""
    return _LINKS.sub(" ", text)


def split_links(text: str) -> list[str]:
    """Split a text so that every second piece is a link to open, as chat.js does."""
    return _OPENED.split(text)


def read_paths(text: str) -> str:
    """Read the words of the links' paths: there a shop's links name its goods.

    By hand: `https://shop.example/new/linen-shirt?ref=1` says "new linen shirt".
    """
    paths = []
    for link in _LINKS.findall(text):
        path = unquote(re.split("[?#]", _HOST.sub("", link, count=1), maxsplit=1)[0])
        paths.append(_SIGNS.sub(" ", path).strip())
    return " ".join(path for path in paths if path)


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


STOP_WORDS = frozenset().union(
    *load_groups("meaning/stop_words.tsv", ("fa", "en")).values()
)


def content_words(question: str) -> list[str]:
    """Fold a question and keep the words that tell what it is about."""
    return [word for word in normalise(question).split() if word not in STOP_WORDS]
