"""Finds the links of a text, and the words of their paths."""

import re
from urllib.parse import unquote

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
