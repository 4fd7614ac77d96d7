"""Writes an answer from facts: the asked cells, whole sentences, one pair's answer."""

import re
from collections.abc import Sequence

from retrieval.answer.facts import CellTerms, Fact, name_cell
from retrieval.answer.matching import Context, asked_kinds, fits
from retrieval.documents.blocks import render_cells
from retrieval.query.asking import Asked, AskedTerm, match

MAX_CHARS = 350
_LEAST = 0.4
#: A figure with what it counts: "700 g".
_UNIT = re.compile(r"[0-9۰-۹٠-٩]\s*[^\W\d]")


def compose(asked: Asked, context: Context, facts: Sequence[Fact]) -> str:
    """Write the chosen facts, one below the other."""
    return "\n".join(write_fact(fact, asked, context) for fact in facts)


def write_fact(fact: Fact, asked: Asked, context: Context) -> str:
    """Write one fact as an answer."""
    if fact.cells:
        return _row(fact, asked, context)
    return fact.text


def _row(fact: Fact, asked: Asked, context: Context) -> str:
    chosen = choose_cells(fact, asked, context)
    name = name_cell(tuple(cell.cell for cell in fact.cells))
    rest = tuple(cell.cell for cell in chosen if cell.cell is not name)
    if not rest:
        return render_cells(tuple(cell.cell for cell in fact.cells))
    return f"{name.value}: {render_cells(rest)}"


def choose_cells(fact: Fact, asked: Asked, context: Context) -> list[CellTerms]:
    """Choose the cells that a question asks for; all of them if it names none."""
    name = name_cell(tuple(cell.cell for cell in fact.cells))
    asked_of = [cell for cell in fact.cells if cell.cell is not name]
    kinds = asked_kinds(asked)
    by_name = {
        cell: sum(_telling(term) * match(term, cell.name) for term in asked.terms)
        + sum(
            _telling(term) * match(term, cell.value)
            for term in asked.terms
            if _UNIT.search(cell.cell.value) and not term.term.is_number
        )
        for cell in asked_of
    }
    fitting = {
        cell: any(fits(kind, f"{cell.cell.name} {cell.cell.value}") for kind in kinds)
        for cell in asked_of
    }
    leaning = {
        cell: sum(
            _telling(term) * match(term, cell.name)
            for term in (*context.subject, *context.rest)
        )
        for cell in asked_of
    }
    scores = {
        cell: by_name[cell] + 0.5 * fitting[cell] + 0.2 * leaning[cell]
        for cell in asked_of
    }
    best = max(scores.values(), default=0.0)
    if best < 0.2:
        return list(fact.cells)
    return [cell for cell, score in scores.items() if score >= 0.9 * best]


def _telling(term: AskedTerm) -> float:
    """Weigh a word for a column, however many columns of other tables it names."""
    return (
        max(term.weight, _LEAST) if term.is_noun or term.term.is_number else term.weight
    )
