"""Cuts a long text into parts that a platform takes, never inside a word or link."""

import re
from collections.abc import Callable, Mapping
from unicodedata import category

from actors.conversation.state import Source

_PIECE = re.compile(r"\s*\S+")
#: Joins an emoji of several code points, or a Persian word's halves.
_JOINERS = ("\u200d", "\u200c")
#: Skin tones, and the letters that make a black flag a region's.
_EXTENDERS = (range(0x1F3FB, 0x1F400), range(0xE0020, 0xE0080))
#: Marks above, below and around: Persian vowels, keycaps, how an emoji is drawn.
_MARKS = frozenset({"Mn", "Mc", "Me"})


def _utf8_bytes(text: str) -> int:
    return len(text.encode())


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


#: Instagram counts UTF-8 bytes, Telegram UTF-16 units; the website has no limit.
LIMITS: Mapping[Source, tuple[int, Callable[[str], int]]] = {
    Source.INSTAGRAM: (1000, _utf8_bytes),
    Source.TELEGRAM: (4096, _utf16_units),
}


def split_for(source: Source, text: str) -> tuple[str, ...]:
    """Cut `text` to the platform's limit.

    Joined with their white space the parts are the text again. A single word that is
    longer than the limit is cut between characters, never inside an emoji.
    """
    if source not in LIMITS:
        return (text,)
    limit, measure = LIMITS[source]
    return split(text, limit, measure)


def split(text: str, limit: int, measure: Callable[[str], int]) -> tuple[str, ...]:
    """Cut `text` into parts of at most `limit`, as `measure` counts it.

    Raises:
        ValueError: if the limit can't hold a single emoji.
    """
    if limit < 64:  # The longest emoji sequences take some 40 bytes.
        message = "the limit must be at least 64"
        raise ValueError(message)
    parts: list[str] = []
    part = ""
    for piece in _PIECE.findall(text.strip()):
        if measure(part + piece) <= limit:
            part += piece
            continue
        if part.strip():
            parts.append(part.strip())
        part = piece.lstrip()
        while measure(part) > limit:
            head = _longest_head(part, limit, measure)
            parts.append(head)
            part = part[len(head) :]
    if part.strip():
        parts.append(part.strip())
    return tuple(parts)


def _longest_head(word: str, limit: int, measure: Callable[[str], int]) -> str:
    head, size = "", 0
    for cluster in _clusters(word):
        size += measure(cluster)
        if size > limit and head:
            break
        head += cluster
    return head


def _clusters(word: str) -> list[str]:
    """Group code points that are seen as one: emoji with joiners, marks, flags."""
    clusters: list[str] = []
    for character in word:
        joins = clusters and (
            clusters[-1].endswith(_JOINERS)
            or character in _JOINERS
            or any(ord(character) in extenders for extenders in _EXTENDERS)
            or category(character) in _MARKS
            or (_is_flag(character) and _is_half_flag(clusters[-1]))
        )
        if joins and _utf8_bytes(clusters[-1]) < 56:
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def _is_flag(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


def _is_half_flag(cluster: str) -> bool:
    return len(cluster) == 1 and _is_flag(cluster)
