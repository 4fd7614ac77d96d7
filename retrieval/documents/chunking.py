"""Cuts a document's blocks into parents to read and chunks to search."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from retrieval.documents.blocks import Block, BlockKind
from retrieval.documents.reading import read_blocks
from retrieval.text.sentences import Span, sentence_spans

#: What a smaller version read is read again, in the background. Raise it when
#: the reader or the cutting of its blocks changes.
READER_VERSION = 1
#: A prompt takes four or five parents of this size within its usual budgets.
PARENT_MAX_TOKENS = 400
#: What is longer is no sentence: it would have room in no prompt.
SENTENCE_MAX_TOKENS = PARENT_MAX_TOKENS
#: One topic of a page; small enough to be told apart by its vector.
CHUNK_MAX_TOKENS = 128
#: Letters below which a sentence says too little to be found alone.
_SHORTEST_SENTENCE_CHARS = 12
# Between clauses if there are any near by, else between words, else anywhere: a list
# is cut between its items, and a blob of letters is cut at all.
_CUTS = (re.compile(r"[؛;،,:|•·–—/]\s+"), re.compile(r"\s+"))
# How far from an even cut a better one is looked for.
_REACH = 0.25


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is embedded and found: one block, or some sentences of a block of prose."""

    position: int
    block: Block

    @property
    def text(self) -> str:
        """What is searched: the block below its heading and its question."""
        heading = self.block.headings[-1:]
        question = (self.block.question,) if self.block.question else ()
        return "\n".join((*heading, *question, self.block.text))


@dataclass(frozen=True, slots=True)
class Parent:
    """What is read in the context of an answer: the passage around its chunks."""

    position: int
    text: str
    chunks: tuple[Chunk, ...]


def chunk_document(
    title: str,
    text: str,
    count_tokens: Callable[[str], int],
    *,
    parent_max_tokens: int = PARENT_MAX_TOKENS,
) -> tuple[Parent, ...]:
    """Read a document and cut it: see `chunk_blocks`.

    A document without text is found by its title; one without either has no chunks.
    """
    blocks = read_blocks(text, title)
    if not any(block.kind is not BlockKind.HEADING for block in blocks):
        lone = "\n".join(block.text for block in blocks) or title.strip()
        blocks = (Block(BlockKind.PARAGRAPH, lone),) if lone else ()
    return chunk_blocks(blocks, count_tokens, parent_max_tokens=parent_max_tokens)


def chunk_blocks(
    blocks: Sequence[Block],
    count_tokens: Callable[[str], int],
    *,
    parent_max_tokens: int = PARENT_MAX_TOKENS,
) -> tuple[Parent, ...]:
    """Cut blocks into parents of chunks.

    A pair, a table row and an item of a list are each one chunk, longer prose is cut
    between sentences; no sentence is. Parents are runs of blocks below one heading.
    Positions of chunks run through the document.
    """
    parents: list[Parent] = []
    position = 0
    content = (block for block in blocks if block.kind is not BlockKind.HEADING)
    for headings, section in groupby(content, key=lambda block: block.headings):
        units = [unit for block in section for unit in _cut(block, count_tokens)]
        sizes = [count_tokens(_render(unit)) for unit in units]
        for first, last in pack(sizes, parent_max_tokens):
            run = units[first:last]
            chunks = tuple(Chunk(position + at, unit) for at, unit in enumerate(run))
            position += len(run)
            body = "\n".join((*headings[-1:], _join(run)))
            parents.append(Parent(len(parents), body, chunks))
    return tuple(parents)


def _cut(block: Block, count_tokens: Callable[[str], int]) -> Iterator[Block]:
    """Yield a block's chunks: one, but for long prose."""
    is_prose = block.kind in {BlockKind.PARAGRAPH, BlockKind.LIST_ITEM}
    if not is_prose and count_tokens(block.text) <= SENTENCE_MAX_TOKENS:
        yield block
        return
    spans = [*_pieces(block.text, count_tokens)]
    sizes = [count_tokens(block.text[start:end]) for start, end in spans]
    for first, last in pack(sizes, CHUNK_MAX_TOKENS):
        yield replace(block, text=block.text[spans[first].start : spans[last - 1].end])


def _pieces(text: str, count_tokens: Callable[[str], int]) -> Iterator[Span]:
    joined: list[Span] = []
    for span in sentence_spans(text):
        is_short = span.end - span.start < _SHORTEST_SENTENCE_CHARS
        if joined and is_short:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    for span in joined:
        size = count_tokens(text[span.start : span.end])
        if size <= SENTENCE_MAX_TOKENS:
            yield span
        else:
            yield from cut_run_on(text, span, -(-3 * size // SENTENCE_MAX_TOKENS))


def _render(block: Block) -> str:
    return f"{block.question}\n{block.text}" if block.question else block.text


def _join(units: Sequence[Block]) -> str:
    """Write chunks one below the other; sentences of one block go on in their line."""
    text = _render(units[0])
    for before, unit in pairwise(units):
        is_prose = before.kind is unit.kind is BlockKind.PARAGRAPH
        text += (" " if is_prose else "\n") + _render(unit)
    return text


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
