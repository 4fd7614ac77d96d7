"""Splits a long text into parts that a platform takes, never inside a word or link."""

from collections.abc import Callable, Mapping

import regex

from actors.conversation.state import Source

_PIECE = regex.compile(r"\s*\S+")
#: Grapheme clusters of Unicode TR29: emoji with joiners, letters with marks, flags. A
#: ZWNJ ends a cluster there; here it holds the halves of a Persian word together.
_CLUSTER = regex.compile(r"\X(?:(?<=\u200c)\X)*")
#: A longer cluster is no text: a mark can be repeated without end.
MAX_CLUSTER_BYTES = 56


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
    """Split `text` to the platform's limit.

    Joined with their white space the parts are the text again. A single word that is
    longer than the limit is cut between characters, never inside an emoji.
    """
    if source not in LIMITS:
        return (text,)
    limit, measure = LIMITS[source]
    return split(text, limit, measure)


def split(text: str, limit: int, measure: Callable[[str], int]) -> tuple[str, ...]:
    """Split `text` into parts of at most `limit`, as `measure` counts it.

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
    for cluster in _CLUSTER.findall(word):
        pieces = [cluster] if _utf8_bytes(cluster) <= MAX_CLUSTER_BYTES else cluster
        for piece in pieces:
            size += measure(piece)
            if size > limit and head:
                return head
            head += piece
    return head
