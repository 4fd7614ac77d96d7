"""Labelled sets: passages, and questions with the passages that answer them."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from retrieval.errors import RetrievalError

Row = TypeVar("Row")


class LabelledSetError(RetrievalError):
    """The labelled set can't be read. Check that each line is a JSON object."""

    permanent = True


@dataclass(frozen=True, slots=True)
class LabelledPassage:
    """A document to be found."""

    id: str
    title: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question and the ids of its answers; none, if it should not be answered."""

    id: str
    text: str
    relevant: frozenset[str]
    share: str = ""
    """The caption of a post that came with the question."""

    @property
    def is_answerable(self) -> bool:
        """Whether there is anything to be found."""
        return bool(self.relevant)


def parse_passages(lines: Iterable[str]) -> tuple[LabelledPassage, ...]:
    """Read JSONL of {id | key, text, title?, source? | source_type?}.

    Raises LabelledSetError, which names the line.
    """
    passages = []
    seen: set[str] = set()
    for number, row in _rows(lines):
        name = _text(row, number, "id", "key")
        if name in seen:
            message = f"line {number}: the id {name!r} is there twice"
            raise LabelledSetError(message)
        seen.add(name)
        passages.append(
            LabelledPassage(
                name,
                _text(row, number, "title", default=""),
                _text(row, number, "text"),
                _text(row, number, "source", "source_type", default=""),
            )
        )
    return _not_empty(passages)


def parse_questions(lines: Iterable[str]) -> tuple[LabelledQuestion, ...]:
    """Read JSONL of {text, relevant: [id, ...], id?, share?, answerable?}.

    A question is unanswerable when `relevant` is empty or `answerable` is false. Raises
    LabelledSetError, which names the line.
    """
    questions = []
    for number, row in _rows(lines):
        relevant = row.get("relevant", [])
        if not isinstance(relevant, list) or not all(
            isinstance(name, str) for name in relevant
        ):
            message = f"line {number}: `relevant` is not a list of ids"
            raise LabelledSetError(message)
        is_answerable = row.get("answerable", True) is not False
        questions.append(
            LabelledQuestion(
                _text(row, number, "id", default=str(number)),
                _text(row, number, "text", "query"),
                frozenset(relevant) if is_answerable else frozenset(),
                _text(row, number, "share", default=""),
            )
        )
    return _not_empty(questions)


def parse_rows(lines: Iterable[str], build: Callable[[object], Row]) -> tuple[Row, ...]:
    """Build an item of each line's value; there must be one at least.

    What `build` raises (KeyError for a missing key, TypeError, ValueError) becomes a
    LabelledSetError, which names the line.
    """
    built = []
    for number, row in _values(lines):
        try:
            built.append(build(row))
        except KeyError as error:
            message = f"line {number}: {error.args[0]} is missing"
            raise LabelledSetError(message) from error
        except (ValueError, TypeError) as error:
            message = f"line {number}: {error}"
            raise LabelledSetError(message) from error
    return _not_empty(built)


def _values(lines: Iterable[str]) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value: object = json.loads(line)
        except ValueError as error:
            message = f"line {number}: not JSON"
            raise LabelledSetError(message) from error
        yield number, value


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, object]]]:
    for number, row in _values(lines):
        if not isinstance(row, dict):
            message = f"line {number}: not a JSON object"
            raise LabelledSetError(message)
        yield number, row


def _text(
    row: dict[str, object], number: int, *names: str, default: str | None = None
) -> str:
    value = next((row[name] for name in names if name in row), default)
    if isinstance(value, str):
        return value
    message = f"line {number}: `{names[0]}` is missing or not a text"
    raise LabelledSetError(message)


def _not_empty(rows: list[Row]) -> tuple[Row, ...]:
    if not rows:
        message = "there is nothing in it"
        raise LabelledSetError(message)
    return tuple(rows)
