"""Elements: what a format's own parser finds, before plain lines are understood."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 6."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that stand together: a paragraph, or one item of a list."""

    lines: tuple[str, ...]
    is_item: bool = False
    #: The item or line that a list of these stands below.
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a header; the header is empty where the format has none."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its answer, marked as such by the format."""

    question: str
    answer: str


Element = Heading | Lines | Table | Pair
