"""Loads the word lists below this folder: tab-separated UTF-8, `#` for comments."""

from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent

Row = tuple[str, ...]


class WordListError(ValueError):
    """A word list has a row that cannot be read. Mend the line that is named."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")


@cache
def load_rows(
    name: str, columns: int | None = None, folder: Path = _FOLDER
) -> tuple[Row, ...]:
    """Load the rows of a list; `columns` is their length, if all have the same.

    `name` is the file's path below `folder`, such as `speech/colloquial.tsv`.
    Raises WordListError, naming file and line, for text that is not UTF-8, an empty or
    padded cell, a row of another length, or a row that was there before.
    """
    return tuple(row for _, row in _rows(folder / name, columns))


def load_pairs(name: str, folder: Path = _FOLDER) -> dict[str, str]:
    """Load a list of two columns; the first is the key and occurs once."""
    pairs: dict[str, str] = {}
    for place, (key, value) in _rows(folder / name, 2):
        if key in pairs:
            problem = f"{key} stands there twice"
            raise WordListError(place, problem)
        pairs[key] = value
    return pairs


def load_groups(
    name: str, groups: Collection[str], folder: Path = _FOLDER
) -> dict[str, frozenset[str]]:
    """Load a list whose first column names a group and whose others are its words."""
    words: dict[str, set[str]] = {group: set() for group in groups}
    for place, (group, *members) in _rows(folder / name):
        if group not in words:
            problem = f"{group} is none of {', '.join(groups)}"
            raise WordListError(place, problem)
        twice = [word for word in members if word in words[group]]
        if twice or len(set(members)) < len(members):
            problem = f"a word stands in {group} twice: {' '.join(twice or members)}"
            raise WordListError(place, problem)
        words[group].update(members)
    return {group: frozenset(members) for group, members in words.items()}


def _rows(path: Path, columns: int | None = None) -> Iterator[tuple[str, Row]]:
    """Yield each row with its place, for messages."""
    seen: set[Row] = set()
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        place = f"{path.name}, line {number}"
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise WordListError(place, "it is not UTF-8") from error
        if not text.strip() or text.startswith("#"):
            continue
        row = tuple(text.split("\t"))
        problem = _find_problem(row, columns, seen)
        if problem is not None:
            raise WordListError(place, problem)
        seen.add(row)
        yield place, row


def _find_problem(row: Row, columns: int | None, seen: set[Row]) -> str | None:
    if any(cell != cell.strip() or not cell for cell in row):
        return "a cell is empty or has blanks around it"
    if columns is not None and len(row) != columns:
        return f"{len(row)} columns instead of {columns}"
    return "the same row stands there twice" if row in seen else None
