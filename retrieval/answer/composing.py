"""Writes an answer from facts: the asked cells, whole sentences, one pair's answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from retrieval.answer.facts import CellTerms, Fact, name_cell
from retrieval.answer.matching import Context, asked_kinds
from retrieval.documents.blocks import BlockKind, Cell, render_cells
from retrieval.query.asking import Asked, AskedTerm, match
from retrieval.query.kinds import fits
from retrieval.query.terms import TermSet, read_terms
from retrieval.text.sentences import sentence_spans

#: What a phone shows at a glance. A longer answer loses whole sentences or cells.
MAX_CHARS = 350
_LEAST = 0.4
#: A figure with what it counts: "700 g".
_UNIT = re.compile(r"[0-9۰-۹٠-٩]\s*[^\W\d]")
_CELLS_JOINED = "، "
_KIND = 0.5
_LEANING = 0.2
#: A column that shares less was not asked for, and one that shares this part of what
#: the best does, was.
_LEAST_CELL = 0.2
_AS_GOOD = 0.9


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of an answer that is quoted whole or not at all.

    `joint` is what stands between it and the piece before.
    """

    text: str
    joint: str
    shared: float


def compose(asked: Asked, context: Context, facts: Sequence[Fact]) -> str:
    """Write the chosen facts, one below the other, or a paragraph's sentences as one.

    What is longer than MAX_CHARS loses sentences, or cells of a row, and keeps those
    that share most with the question, at least one of each fact. No sentence is cut.
    """
    texts = [write_fact(fact, asked, context) for fact in facts]
    if len("\n".join(texts)) > MAX_CHARS:
        room = (MAX_CHARS + 1) // len(texts) - 1
        texts = [_shorten(fact, asked, context, room) for fact in facts]
    joints = ["", *(_joint(*neighbours) for neighbours in pairwise(facts))]
    return "".join(map("".join, zip(joints, texts, strict=True)))


def _joint(before: Fact, after: Fact) -> str:
    """Join the next sentence of a paragraph by a space, all else by a new line."""
    is_next = before.chunk.chunk_id == after.chunk.chunk_id
    is_next = is_next and after.place == before.place + 1
    return " " if is_next and after.kind is BlockKind.PARAGRAPH else "\n"


def write_fact(fact: Fact, asked: Asked, context: Context) -> str:
    """Write one fact as an answer, however long it is."""
    name, pieces = _pieces(fact, asked, context)
    return name + _join(pieces)


def _shorten(fact: Fact, asked: Asked, context: Context, room: int) -> str:
    """Leave out what shares least with the question, until the rest has room."""
    name, pieces = _pieces(fact, asked, context)
    kept: list[_Piece] = []
    for piece in sorted(pieces, key=lambda piece: -piece.shared):
        longer = [one for one in pieces if one in kept or one is piece]
        if not kept or len(name + _join(longer)) <= room:
            kept = longer
    return name + _join(kept)


def _join(pieces: Sequence[_Piece]) -> str:
    return "".join(
        piece.joint + piece.text if at else piece.text
        for at, piece in enumerate(pieces)
    )


def _pieces(fact: Fact, asked: Asked, context: Context) -> tuple[str, Sequence[_Piece]]:
    """Cut a fact into its asked cells below its name, or into its sentences."""
    if not fact.cells:
        return "", _sentences(fact.text, asked)
    scores = _score_cells(fact, asked, context)
    chosen = choose_cells(fact, asked, context)
    name = name_cell(tuple(cell.cell for cell in fact.cells))
    rest = [cell for cell in chosen if cell.cell is not name]
    lead = f"{_title_of(name)}: " if rest else ""
    return lead, [
        _Piece(render_cells((cell.cell,)), _CELLS_JOINED, scores.get(cell, 0.0))
        for cell in rest or fact.cells
    ]


def _sentences(text: str, asked: Asked) -> list[_Piece]:
    kinds = asked_kinds(asked)
    pieces, end = [], 0
    for start, stop in sentence_spans(text):
        sentence = text[start:stop]
        terms = TermSet(read_terms(sentence, joined=True))
        shared = sum(term.weight * match(term, terms) for term in asked.terms)
        shared += _KIND * any(fits(kind, sentence) for kind in kinds)
        pieces.append(_Piece(sentence, text[end:start], shared))
        end = stop
    return pieces or [_Piece(text, "", 0.0)]


def choose_cells(fact: Fact, asked: Asked, context: Context) -> list[CellTerms]:
    """Choose the cells that a question asks for; all of them if it names none."""
    scores = _score_cells(fact, asked, context)
    best = max(scores.values(), default=0.0)
    if best < _LEAST_CELL:
        return list(fact.cells)
    return [cell for cell, score in scores.items() if score >= _AS_GOOD * best]


def _score_cells(fact: Fact, asked: Asked, context: Context) -> dict[CellTerms, float]:
    """Score the cells beside the name by what they share with the question."""
    name = name_cell(tuple(cell.cell for cell in fact.cells))
    kinds = asked_kinds(asked)
    # "And the small one?" asks for the column of the question before.
    leaning = 1.0 if asked.is_elliptic else _LEANING
    return {
        cell: _share(cell, asked)
        + _KIND
        * any(fits(kind, f"{cell.cell.name} {cell.cell.value}") for kind in kinds)
        + leaning * _name_share(cell, (*context.subject, *context.rest))
        for cell in fact.cells
        if cell.cell is not name
    }


def _share(cell: CellTerms, asked: Asked) -> float:
    """Add up what a column's name shares, and a value that says what it counts."""
    shared = _name_share(cell, asked.terms)
    if _UNIT.search(cell.cell.value):
        shared += sum(
            _telling(term) * match(term, cell.value)
            for term in asked.terms
            if not term.term.is_number
        )
    return shared


def _name_share(cell: CellTerms, terms: Sequence[AskedTerm]) -> float:
    return sum(_telling(term) * match(term, cell.name) for term in terms)


def _title_of(cell: Cell) -> str:
    """Write the cell that names a row; a figure needs its column: "size 58"."""
    is_figure = any(letter.isdigit() for letter in cell.value)
    return f"{cell.name} {cell.value}" if is_figure and cell.name else cell.value


def _telling(term: AskedTerm) -> float:
    """Weigh a word for a column, however many columns of other tables it names."""
    return (
        max(term.weight, _LEAST) if term.is_noun or term.term.is_number else term.weight
    )
