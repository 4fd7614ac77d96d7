"""What a body must say: conditions on JSON at a path, and on the text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, TypeGuard, cast

import orjson

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
MAX_SHOWN_CHARS = 80


class Comparison(StrEnum):
    """How what was found is compared."""

    EXISTS = "exists"
    EQUALS = "equals"
    NOT_EQUAL = "not_equal"
    LESS = "less"
    GREATER = "greater"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `path` is like `$.parts[0].status`; None asks the whole text."""

    test: Comparison
    path: str | None = None
    value: str | int | float | bool | None = None


def parse_conditions(stored: Sequence[Mapping[str, object]]) -> tuple[Condition, ...]:
    """Read conditions as they are stored."""
    return tuple(
        Condition(
            Comparison(cast("str", row["test"])),
            cast("str | None", row.get("path")),
            cast("str | int | float | bool | None", row.get("value")),
        )
        for row in stored
    )


def find_unmet(conditions: Sequence[Condition], body: bytes) -> str | None:
    """Return what the first unmet condition wants; None when all are met."""
    document: Json = None
    if any(condition.path is not None for condition in conditions):
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return "the body is not JSON"
    text = body.decode("utf-8", errors="replace")
    for condition in conditions:
        found, is_there = _find(condition, document, text)
        if not _holds(condition, found, is_there=is_there):
            return _describe(condition, found, is_there=is_there)
    return None


def parse_path(path: str) -> tuple[str | int, ...]:
    """Read `$.a.b[0]["c d"]`. Raises ValueError when it is no such path."""
    if not path.startswith("$"):
        message = "a path begins with $, for example $.status"
        raise ValueError(message)
    steps: list[str | int] = []
    rest = path[1:]
    while rest:
        if rest.startswith("["):
            inner, closed, rest = rest[1:].partition("]")
            name = inner.strip("\"'")
            if not closed or not name:
                message = f"a bracket of the path is not closed, or empty: {path}"
                raise ValueError(message)
            is_index = name == inner and name.lstrip("-").isdecimal()
            steps.append(int(name) if is_index else name)
        elif rest.startswith(".") and len(rest) > 1:
            end = next((i for i, c in enumerate(rest[1:], 1) if c in ".["), len(rest))
            if end == 1:
                message = f"two signs of the path stand together: {path}"
                raise ValueError(message)
            steps.append(rest[1:end])
            rest = rest[end:]
        else:
            message = f"the path goes on with neither . nor [: {path}"
            raise ValueError(message)
    return tuple(steps)


def _find(condition: Condition, document: Json, text: str) -> tuple[Json, bool]:
    if condition.path is None:
        return text, True
    return _walk(document, parse_path(condition.path))


def _walk(document: Json, steps: Sequence[str | int]) -> tuple[Json, bool]:
    found = document
    for step in steps:
        if isinstance(found, dict) and str(step) in found:
            found = found[str(step)]
        elif isinstance(found, list) and isinstance(step, int):
            if not -len(found) <= step < len(found):
                return None, False
            found = found[step]
        else:
            return None, False
    return found, True


def _holds(condition: Condition, found: Json, *, is_there: bool) -> bool:
    wanted = condition.value
    match condition.test:
        case Comparison.EXISTS:
            return is_there
        case Comparison.EQUALS:
            return is_there and _is_same(found, wanted)
        case Comparison.NOT_EQUAL:
            return not (is_there and _is_same(found, wanted))
        case Comparison.LESS:
            return _is_number(found) and _is_number(wanted) and found < wanted
        case Comparison.GREATER:
            return _is_number(found) and _is_number(wanted) and found > wanted
        case Comparison.CONTAINS:
            return is_there and _contains(found, wanted)
        case Comparison.NOT_CONTAINS:
            return not (is_there and _contains(found, wanted))


def _is_same(found: Json, wanted: Json) -> bool:
    # In Python True equals 1; in JSON it does not.
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def _is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _contains(found: Json, wanted: Json) -> bool:
    if isinstance(found, str):
        return str(wanted) in found
    if isinstance(found, list):
        return wanted in found
    return isinstance(found, dict) and str(wanted) in found


def _describe(condition: Condition, found: Json, *, is_there: bool) -> str:
    where = "the text" if condition.path is None else condition.path
    wanted = "" if condition.test is Comparison.EXISTS else f" {condition.value!r}"
    wish = f"{where}: wanted {condition.test.replace('_', ' ')}{wanted}"
    if condition.path is None:
        return wish
    shown = str(found)[:MAX_SHOWN_CHARS] if is_there else "nothing"
    return f"{wish}, found {shown}"
