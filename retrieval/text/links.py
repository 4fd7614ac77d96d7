"""Where a link ends, and which words it is made of."""

import re
from urllib.parse import unquote

#: Marks of Persian end one, for many write on behind them without a space.
LINK = r"(?:https?://|www\.)[^\s،؛؟«»]+"
_LINKS = re.compile(LINK, re.IGNORECASE)
_HOST = re.compile(r"(?:https?://)?[^/?#]*", re.IGNORECASE)
_SIGNS = re.compile(r"[\W_]+")


def drop_links(text: str) -> str:
    """Leave a text without the links in it."""
    return _LINKS.sub(" ", text)


def read_paths(text: str) -> str:
    """Read the words of the links' paths: there a shop's links name its goods.

    By hand: `https://shop.example/new/linen-shirt?ref=1` says "new linen shirt".
    """
    paths = []
    for link in _LINKS.findall(text):
        path = unquote(re.split("[?#]", _HOST.sub("", link, count=1), maxsplit=1)[0])
        paths.append(_SIGNS.sub(" ", path).strip())
    return " ".join(path for path in paths if path)
