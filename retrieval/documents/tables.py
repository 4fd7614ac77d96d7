"""Rows of a table, under their columns' names, with what merged cells leave out."""

import re
from collections.abc import Iterator, Sequence

from retrieval.documents.blocks import Cell
from retrieval.documents.elements import Table
from retrieval.documents.words import WORDS
from retrieval.text.normalise import normalise

_DIGIT = re.compile(r"\d")
Row = tuple[str, ...]


def read_rows(table: Table) -> Iterator[tuple[Cell, ...]]:
    """Yield the cells of each row.

    A header that is repeated below is no row. An empty cell at the beginning of a row
    takes the value above it: it was one cell with it. Of a table of two columns that
    lists attributes (`height | 30 cm`), each row is one cell, named by its first.
    """
    header, rows = table.header, [row for row in table.rows if any(row)]
    if attributes := _find_attributes(table, rows):
        for name, value in attributes:
            yield (Cell(name.rstrip(": "), value),)
        return
    above: Row = ()
    for row in rows:
        if row == header:
            continue
        filled = _carry_down(row, above) if header else row
        above = filled
        names = [*header, *[""] * len(filled)]
        yield tuple(
            Cell(name, value) for name, value in zip(names, filled, strict=False)
        )


def find_header(rows: Sequence[Row]) -> tuple[Row, list[Row]]:
    """Tell whether the first of some rows without marks is a header.

    Of more than two columns it is; of two, where all but the first hold a figure.
    """
    first, *others = rows
    if not others:
        return (), [first]
    has_names = not any(map(_DIGIT.search, first))
    if len(first) > 2 and has_names:
        return first, others
    holds_figures = all(len(row) == 2 and _DIGIT.search(row[1]) for row in others)
    if len(first) == 2 and has_names and holds_figures:
        return first, others
    return (), [*rows]


def _find_attributes(table: Table, rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a table of attributes; none if it is another table."""
    header = table.header
    if any(len(row) != 2 or not all(row) for row in rows):
        return []
    if not header:
        return [*rows]
    if len(header) != 2:
        return []
    name, value = map(normalise, header)
    if name in WORDS["key"] and value in WORDS["value"]:
        return [*rows]
    # Markdown has no table without a header: the first attribute stands there.
    is_first_attribute = bool(_DIGIT.search(header[1])) and bool(header[0])
    return [header, *rows] if is_first_attribute else []


def _carry_down(row: Row, above: Row) -> Row:
    """Fill the empty cells at the beginning of a row, if something stands behind."""
    if not any(row):
        return row
    empty = next(at for at, cell in enumerate(row) if cell)
    return (*above[:empty], *row[len(above[:empty]) :])
