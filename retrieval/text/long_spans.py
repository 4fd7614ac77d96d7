"""Cuts a passage of pages without an end mark into even pieces."""

import re
from itertools import pairwise

from retrieval.text.sentences import Span

# Between clauses if there are any near by, else between words, else anywhere: a list
# is cut between its items, and a blob of letters is cut at all.
_CUTS = (re.compile(r"[؛;،,:|•·–—/]\s+"), re.compile(r"\s+"))
# How far from an even cut a better one is looked for.
_REACH = 0.25


def cut_run_on(text: str, span: Span, n_pieces: int) -> list[Span]:
    """Cut a span into about equal pieces, without the blanks around them.

    By hand: "a b, c d" in two is "a b," and "c d".
    """
    step = (span.end - span.start) / n_pieces
    cuts = [
        _best_cut(text, span.start + round(step * i), int(step * _REACH))
        for i in range(1, n_pieces)
    ]
    pieces = pairwise([span.start, *cuts, span.end])
    trimmed = [_trim(text, start, end) for start, end in pieces]
    return [piece for piece in trimmed if piece.start < piece.end]


def _best_cut(text: str, wanted: int, reach: int) -> int:
    for pattern in _CUTS:
        found = pattern.finditer(text, max(wanted - reach, 0), wanted + reach)
        ends = [cut.end() for cut in found]
        if ends:
            return min(ends, key=lambda end: abs(end - wanted))
    return wanted


def _trim(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    return Span(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip()))
