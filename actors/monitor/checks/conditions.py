"""Evaluates conditions on a response body: JSON values at a path, or the text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias, TypeGuard, cast

import orjson
from jsonpath import JSONPath, JSONPathEnvironment
from jsonpath.exceptions import JSONPathError
from jsonpath.segments import JSONPathRecursiveDescentSegment
from jsonpath.selectors import (
    IndexSelector,
    NameSelector,
    SliceSelector,
    WildcardSelector,
)

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
MAX_SHOWN_CHARS = 80
#: No filters: their regular expressions can take for ever on a tenant's own text.
SELECTORS = (NameSelector, IndexSelector, SliceSelector, WildcardSelector)

_JSONPATH = JSONPathEnvironment(strict=True)


class Comparison(StrEnum):
    """How a value of the body is compared with the condition's value."""

    EXISTS = "exists"
    EQUALS = "equals"
    NOT_EQUAL = "not_equal"
    LESS = "less"
    GREATER = "greater"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `path` is like `$.parts[0].status`; None means the whole text."""

    test: Comparison
    path: str | None = None
    value: str | int | float | bool | None = None


def parse_conditions(stored: Sequence[Mapping[str, object]]) -> tuple[Condition, ...]:
    """Parse conditions as they are stored."""
    return tuple(
        Condition(
            Comparison(cast("str", row["test"])),
            cast("str | None", row.get("path")),
            cast("str | int | float | bool | None", row.get("value")),
        )
        for row in stored
    )


@lru_cache(maxsize=1024)
def parse_path(path: str) -> JSONPath:
    """Parse a JSONPath (RFC 9535) that takes time in proportion to the body at most.

    So there is one selector in each bracket, one `..` at most, and no filter.

    Raises:
        ValueError: the path is invalid, or not one of these.
    """
    try:
        parsed = _JSONPATH.compile(path)
    except (JSONPathError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        message = f"not a JSONPath like $.status or $.items[0].id: {reason}"
        raise ValueError(message) from error
    # Only the library's own syntax, which is off, makes anything else.
    segments = cast("JSONPath", parsed).segments
    selectors = [selector for segment in segments for selector in segment.selectors]
    descents = [
        segment
        for segment in segments
        if isinstance(segment, JSONPathRecursiveDescentSegment)
    ]
    if (
        len(selectors) > len(segments)
        or len(descents) > 1
        or not all(isinstance(selector, SELECTORS) for selector in selectors)
    ):
        message = (
            "this JSONPath is not supported: no filters, one .. at most,"
            " one selector in each bracket"
        )
        raise ValueError(message)
    return cast("JSONPath", parsed)


def find_unmet(conditions: Sequence[Condition], body: bytes) -> str | None:
    """Return what the first unmet condition expects; None when all are met.

    A path may select several values: each of them must fulfil the condition. Without
    any value only `exists` with the value false is met.
    """
    document: Json = None
    if any(condition.path is not None for condition in conditions):
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return "the body is not JSON"
    text = body.decode("utf-8", errors="replace")
    for condition in conditions:
        try:
            values = (
                [text]
                if condition.path is None
                else cast("list[Json]", parse_path(condition.path).findall(document))
            )
        except (ValueError, JSONPathError) as error:
            # A path of an older release, or a body that is nested too deeply.
            return f"{condition.path}: {str(error).splitlines()[0]}"
        unmet = _find_fault(condition, values)
        if unmet is not None:
            return unmet
    return None


def _find_fault(condition: Condition, values: Sequence[Json]) -> str | None:
    where = condition.path or "the text"
    if condition.test is Comparison.EXISTS:
        is_expected = condition.value is not False
        wish = "a value" if is_expected else "no value"
        return None if bool(values) is is_expected else f"{where}: expected {wish}"
    test = condition.test.replace("_", " ")
    wish = f"{where}: expected {test} {_render(condition.value, quotes=True)}"
    if not values:
        return f"{wish}, found nothing"
    for value in values:
        if not _holds(condition.test, value, condition.value):
            # The whole text may be a secret, or a page.
            shown = _render(value, quotes=False)[:MAX_SHOWN_CHARS]
            return wish if condition.path is None else f"{wish}, found {shown}"
    return None


def _holds(test: Comparison, value: Json, expected: Json) -> bool:
    match test:
        case Comparison.EXISTS:
            return True
        case Comparison.EQUALS:
            return _is_same(value, expected)
        case Comparison.NOT_EQUAL:
            return not _is_same(value, expected)
        case Comparison.LESS:
            return _is_number(value) and _is_number(expected) and value < expected
        case Comparison.GREATER:
            return _is_number(value) and _is_number(expected) and value > expected
        case Comparison.CONTAINS:
            return _contains(value, expected)
        case Comparison.NOT_CONTAINS:
            return not _contains(value, expected)


def _is_same(value: Json, expected: Json) -> bool:
    # In Python True equals 1; in JSON it does not.
    return value == expected and isinstance(value, bool) == isinstance(expected, bool)


def _is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _contains(value: Json, expected: Json) -> bool:
    if isinstance(value, str):
        return _render(expected, quotes=False) in value
    if isinstance(value, list):
        return any(_is_same(item, expected) for item in value)
    return isinstance(value, dict) and isinstance(expected, str) and expected in value


def _render(value: Json, *, quotes: bool) -> str:
    """Write a value as JSON does; a string with or without its quotes."""
    if isinstance(value, str) and not quotes:
        return value
    return json.dumps(value, ensure_ascii=False)
