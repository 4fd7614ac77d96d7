"""Facts: the smallest statements of a chunk that an answer may quote."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from retrieval.answer.validity import is_outdated
from retrieval.documents.blocks import Block, BlockKind, Cell
from retrieval.index.knowledge import IndexedChunk
from retrieval.query.kinds import is_attribute_word, kinds_of
from retrieval.query.terms import Term, TermSet, read_terms
from retrieval.text.normalise import normalise
from retrieval.text.sentences import split_sentences

#: Facts of the chunks that questions find again and again.
_REMEMBERED_CHUNKS = 8_192
#: "Linen coat: ..." names what the line is about.
_NAME = re.compile(r"^([^:.؛،؟!?\n]{2,60}):\s")
_MAX_NAME_WORDS = 7
#: Three letters in a row are a name; "B13" is a code.
_WORDS = re.compile(r"[^\W\d_]{3}")
#: A longer answer is a page of its own, of which a part is quoted.
_WHOLE_ANSWER_CHARS = 300
_RANGE = re.compile(r"(?<!\d)(\d{1,3}) (?:تا|الی|to) (\d{1,3})(?!\d)")
_FIGURE = re.compile(r"\d{3,}")
#: An item of several short sentences about the thing that it names.
_WHOLE_ITEM_CHARS = 200


@dataclass(frozen=True, slots=True, eq=False)
class CellTerms:
    """A cell with the terms of its column's name and of its value."""

    cell: Cell
    name: TermSet
    value: TermSet


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """A statement that can be quoted whole, and the terms that it is found by.

    `place` is its position in its chunk. `subject` names the thing that it is about: a
    row's name, what stands before a colon, else the block's heading or title.
    """

    chunk: IndexedChunk
    place: int
    kind: BlockKind
    text: str
    subject: str
    own: TermSet
    #: The terms of the text alone, without neighbours written as one.
    plain: TermSet
    name: TermSet
    question: TermSet
    above: TermSet
    cells: tuple[CellTerms, ...] = ()
    #: Figures of the passage around it: a product's code stands in a line of its own.
    figures: frozenset[str] = frozenset()
    #: "38 to 46" holds 44.
    ranges: tuple[tuple[int, int], ...] = ()
    #: The passage says that it is no longer valid.
    is_outdated: bool = False

    @property
    def key(self) -> tuple[UUID, int]:
        """Identify the fact within an index."""
        return self.chunk.chunk_id, self.place

    def spans(self, number: Term) -> bool:
        """Tell whether a range that the fact gives holds a number."""
        return number.word.isdigit() and any(
            low <= int(number.word) <= high for low, high in self.ranges
        )


def read_facts(chunk: IndexedChunk) -> tuple[Fact, ...]:
    """Read the facts of a chunk, in their order."""
    return _remembered(_Key(chunk))


def figures_of(fact: Fact) -> frozenset[str]:
    """Read the figures that a fact states."""
    return frozenset(term.word for term in fact.plain.terms if term.is_number)


class _Key:
    """A chunk that is known by its id and its text: superseded parts are cut out."""

    __slots__ = ("chunk",)

    def __init__(self, chunk: IndexedChunk) -> None:
        self.chunk = chunk

    def __hash__(self) -> int:
        return hash((self.chunk.chunk_id, len(self.chunk.text)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Key)
            and self.chunk.chunk_id == other.chunk.chunk_id
            and self.chunk.text == other.chunk.text
        )


@lru_cache(maxsize=_REMEMBERED_CHUNKS)
def _read_figures(text: str) -> frozenset[str]:
    """Read the longer numbers of a passage, however their digits are grouped."""
    numbers = (term.word for term in read_terms(text) if term.is_number)
    return frozenset(
        (*_FIGURE.findall(normalise(text)), *filter(_FIGURE.fullmatch, numbers))
    )


@lru_cache(maxsize=_REMEMBERED_CHUNKS)
def _remembered(key: _Key) -> tuple[Fact, ...]:
    return tuple(_facts_of(key.chunk))


def _facts_of(chunk: IndexedChunk) -> Iterator[Fact]:
    block = chunk.block or Block(BlockKind.PARAGRAPH, chunk.text)
    above = "\n".join((chunk.title, *block.headings))
    above_terms = TermSet(read_terms(above, joined=True))
    heading = block.headings[-1] if block.headings else chunk.title
    question = TermSet(read_terms(block.question, joined=True))
    figures = _read_figures(chunk.parent_text)
    outdated = is_outdated(above, chunk.parent_text)
    for place, text in enumerate(_statements(block)):
        name = _name_of(block, text)
        is_label = not block.cells and _is_label(name)
        yield Fact(
            chunk=chunk,
            place=place,
            kind=block.kind,
            text=text,
            subject=heading if is_label else name or heading,
            own=TermSet(read_terms(text, joined=True)),
            plain=TermSet(read_terms(text)),
            figures=figures,
            ranges=tuple(
                (int(low), int(high)) for low, high in _RANGE.findall(normalise(text))
            ),
            is_outdated=outdated,
            name=TermSet(read_terms(name, joined=True)),
            question=question,
            above=above_terms,
            cells=tuple(
                CellTerms(
                    cell,
                    TermSet(read_terms(cell.name, joined=True)),
                    TermSet(read_terms(cell.value, joined=True)),
                )
                for cell in block.cells
                if cell.value
            ),
        )


def _statements(block: Block) -> tuple[str, ...]:
    match block.kind:
        case BlockKind.TABLE_ROW | BlockKind.PRODUCT:
            return (block.text,)
        case BlockKind.PAIR if len(block.text) <= _WHOLE_ANSWER_CHARS:
            return (block.text,)
        case BlockKind.LIST_ITEM if _is_whole(block.text):
            return (block.text,)
        case _:
            return split_sentences(block.text) or (block.text,)


def _is_whole(text: str) -> bool:
    """Tell an item whose name goes for all its sentences."""
    return len(text) <= _WHOLE_ITEM_CHARS and _NAME.match(text) is not None


def name_cell(cells: tuple[Cell, ...]) -> Cell:
    """Find the cell that names a row: the first in words, else the very first."""
    return next((cell for cell in cells if _WORDS.search(cell.value)), cells[0])


def _is_label(name: str) -> bool:
    """Tell the name of a property, as in "Colours: black", from that of a thing."""
    terms = read_terms(name)
    return bool(terms) and all(
        is_attribute_word(term) or kinds_of(term.word) for term in terms
    )


def _name_of(block: Block, text: str) -> str:
    if block.cells:
        return name_cell(block.cells).value
    named = _NAME.match(text)
    if named is None or len(named[1].split()) > _MAX_NAME_WORDS:
        return ""
    return named[1].strip()
