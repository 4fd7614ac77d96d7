"""Files of labelled sets: JSONL, one row a line."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from retrieval.evaluation.labelled import LabelledSetError

Row = TypeVar("Row")


def load_lines(
    path: Path, parse: Callable[[Iterable[str]], tuple[Row, ...]]
) -> tuple[Row, ...]:
    """Load a file's lines. Raises LabelledSetError, which names file and line."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            return parse(lines)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        message = f"{path}: {reason}"
        raise LabelledSetError(message) from error
    except LabelledSetError as error:
        message = f"{path}: {error}"
        raise LabelledSetError(message) from error
