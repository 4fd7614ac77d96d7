"""Cuts a document into parents to read and children to search."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from retrieval.text.sentences import Span, sentence_spans

# A prompt takes four or five parents of this size within its usual budgets.
PARENT_MAX_TOKENS = 400
# One topic of a shop's page; small enough to be told apart by its vector, and to be
# reranked twenty at a time.
CHILD_MAX_TOKENS = 128
# Some 300 words: no sentence is as long. What is, is a list or a page without marks,
# which as one chunk would have room in no prompt and a vector of its first lines only.
SENTENCE_MAX_TOKENS = PARENT_MAX_TOKENS
# Between clauses if there are any near by, else between words, else anywhere: a list
# is cut between its items, and a blob of letters is cut at all.
_CUTS = (re.compile(r"[؛;،,:|•·–—/]\s+"), re.compile(r"\s+"))
# How far from an even cut a better one is looked for.
_REACH = 0.25


@dataclass(frozen=True, slots=True)
class Child:
    """What is embedded and found: a few whole sentences of a parent."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Parent:
    """What is read in the context of an answer: the passage around its children."""

    position: int
    text: str
    children: tuple[Child, ...]


def chunk_document(
    title: str,
    text: str,
    count_tokens: Callable[[str], int],
    *,
    parent_max_tokens: int = PARENT_MAX_TOKENS,
    child_max_tokens: int = CHILD_MAX_TOKENS,
) -> tuple[Parent, ...]:
    """Cut a document into parents of children, never inside a sentence.

    Every chunk is a slice of `text` as it was written. A sentence longer than a limit
    is a chunk of its own; what is longer than any sentence is cut into even pieces. A
    document without text is found by its title, and one without either has no chunks.
    Positions of children run through the document.
    """
    if not text.strip():
        text = title
    spans = _units(text, count_tokens, child_max_tokens)
    sizes = [count_tokens(text[start:end]) for start, end in spans]
    parents: list[Parent] = []
    n_children = 0
    for first, last in pack(sizes, parent_max_tokens):
        inner = pack(sizes[first:last], child_max_tokens)
        children = tuple(
            Child(n_children + i, _slice(text, spans[first + a : first + b]))
            for i, (a, b) in enumerate(inner)
        )
        n_children += len(children)
        parents.append(Parent(len(parents), _slice(text, spans[first:last]), children))
    return tuple(parents)


def _units(
    text: str, count_tokens: Callable[[str], int], piece_tokens: int
) -> list[Span]:
    """List what must stay together: sentences, and pieces of what is none."""
    units: list[Span] = []
    for span in sentence_spans(text):
        size = count_tokens(text[span.start : span.end])
        if size <= SENTENCE_MAX_TOKENS:
            units.append(span)
        else:
            units += cut_run_on(text, span, _count_pieces(size, piece_tokens))
    return units


def _count_pieces(size: int, piece_tokens: int) -> int:
    # Even pieces are even in letters, not in tokens, and are cut a little off: half as
    # many again leaves each below the limit.
    return -(-3 * size // (2 * piece_tokens))


def _slice(text: str, spans: Sequence[Span]) -> str:
    return text[spans[0].start : spans[-1].end]


def pack(sizes: Sequence[int], limit: int) -> list[tuple[int, int]]:
    """Group neighbours into runs of at most `limit`, of about equal size.

    By hand: sizes 3 3 3 1 with limit 9 are two runs of (3 3) and (3 1), not (3 3 3)
    and a lone 1, which would be a chunk that says almost nothing.
    """
    n_runs = -(-sum(sizes) // limit)
    fair_share = sum(sizes) / max(n_runs, 1)
    starts = [0] if sizes else []
    run = 0
    for index, size in enumerate(sizes):
        if run and (run + size > limit or run + size / 2 > fair_share):
            starts.append(index)
            run = 0
        run += size
    return list(pairwise([*starts, len(sizes)]))


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
