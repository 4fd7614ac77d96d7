"""Blocks: the units of a document that answers quote and chunks never cut."""

from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    """What a block is in its document."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    PAIR = "pair"
    #: Attributes of one thing, each a cell; its name is the last heading or the title.
    PRODUCT = "product"


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a table row under its column's name, which may be empty."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Block:
    """One unit of a document.

    `text` is plain text without markup, as a customer may read it: of a pair the answer
    alone, of a table row its cells with their names, of a product a line each.
    """

    kind: BlockKind
    text: str
    #: The headings above it, outermost first.
    headings: tuple[str, ...] = ()
    #: The question of a pair; empty for all other kinds.
    question: str = ""
    #: The cells of a table row or a product; empty for all other kinds.
    cells: tuple[Cell, ...] = ()


def render_cells(cells: tuple[Cell, ...]) -> str:
    """Write the cells of a row with their names: `size: 58، waist: 120`."""
    named = (
        f"{cell.name}: {cell.value}" if cell.name else cell.value
        for cell in cells
        if cell.value
    )
    return "، ".join(named)
