"""Tables of web pages as rows of equal length: spanning cells are written out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from retrieval.documents.elements import Table
from retrieval.documents.tables import Row, find_header

_MAX_SPAN = 100
_MAX_COLUMNS = 50


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    is_head: bool


_Grid = list[list[_Cell]]


def read_table(
    node: LexborNode, read_text: Callable[[LexborNode], str]
) -> Table | None:
    """Read a table; None if it is empty.

    Rows of `th` above all others are the header: several are joined, column by column.
    """
    grid = [row for row in _fill(node, read_text) if any(cell.text for cell in row)]
    n_heads = 0
    while n_heads < len(grid) and all(cell.is_head for cell in grid[n_heads]):
        n_heads += 1
    if n_heads == len(grid):
        n_heads = 0
    if not n_heads and len(grid) > 1 and _is_head_beside_a_corner(grid[0]):
        n_heads = 1
    rows = [tuple(cell.text for cell in row) for row in grid[n_heads:]]
    if not rows:
        return None
    if n_heads:
        return Table(_join_heads(grid[:n_heads]), tuple(rows))
    if any(row[0].is_head for row in grid):
        return Table((), tuple(rows))
    header, rows = find_header(rows)
    return Table(header, tuple(rows))


def _is_head_beside_a_corner(row: Sequence[_Cell]) -> bool:
    """Tell a header whose first cell is an empty `td`, above a column of names."""
    first, *others = row
    return not first.text and bool(others) and all(cell.is_head for cell in others)


def _join_heads(heads: _Grid) -> Row:
    columns = zip(*heads, strict=False)
    return tuple(
        " ".join(dict.fromkeys(cell.text for cell in column if cell.text))
        for column in columns
    )


def _fill(node: LexborNode, read_text: Callable[[LexborNode], str]) -> _Grid:
    """Write the rows out: a spanning cell stands in every place that it covers."""
    grid: _Grid = []
    #: Cells that reach down into the next row, by column, and into how many rows.
    reaching: dict[int, tuple[int, _Cell]] = {}
    for tr in node.css("tr"):
        row: list[_Cell] = []
        below: dict[int, tuple[int, _Cell]] = {}
        for child in (child for child in tr.iter() if child.tag in {"td", "th"}):
            _take_reaching(row, reaching, below)
            cell = _Cell(read_text(child), child.tag == "th")
            n_rows = _span(child, "rowspan")
            for _ in range(_span(child, "colspan")):
                if n_rows > 1:
                    below[len(row)] = (n_rows - 1, cell)
                row.append(cell)
        _take_reaching(row, reaching, below)
        reaching = below
        if row:
            grid.append(row[:_MAX_COLUMNS])
    return grid


def _take_reaching(
    row: list[_Cell],
    reaching: dict[int, tuple[int, _Cell]],
    below: dict[int, tuple[int, _Cell]],
) -> None:
    """Put in the cells of earlier rows that cover the next places of a row."""
    while len(row) in reaching:
        n_rows, cell = reaching.pop(len(row))
        if n_rows > 1:
            below[len(row)] = (n_rows - 1, cell)
        row.append(cell)


def _span(node: LexborNode, name: str) -> int:
    written = node.attributes.get(name) or "1"
    return min(max(int(written), 1), _MAX_SPAN) if written.isdecimal() else 1
