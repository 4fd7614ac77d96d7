"""Evaluates conditions on a response body: JSON values at a path, or the text."""

import codecs
import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import TypeAlias, TypeGuard, cast

import orjson
from jsonpath import JSONPath, JSONPathEnvironment, selectors
from jsonpath.exceptions import JSONPathError
from jsonpath.segments import JSONPathRecursiveDescentSegment

from actors.monitor.checks.body_text import decode_body

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
MAX_SHOWN_CHARS = 80
#: Values of the body that all conditions of a check may look at together.
MAX_VISITS = 100_000
#: How deeply `..` follows a nested body.
MAX_DEPTH = 100
MAX_WILDCARDS = 2
VISITS_PER_LOOK_AT_CLOCK = 1000
#: No filters: their regular expressions can take for ever on a tenant's own text.
SELECTORS = (
    selectors.NameSelector,
    selectors.IndexSelector,
    selectors.SliceSelector,
    selectors.WildcardSelector,
)

_JSONPATH = JSONPathEnvironment(strict=True)
_ENCODER = json.JSONEncoder(ensure_ascii=False)


class Comparison(StrEnum):
    """How a value of the body is compared with the condition's value."""

    EXISTS = "exists"
    EQUALS = "equals"
    NOT_EQUAL = "not_equal"
    LESS = "less"
    GREATER = "greater"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"


CONTAINMENTS = frozenset({Comparison.CONTAINS, Comparison.NOT_CONTAINS})


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


class EffortExceededError(Exception):
    """The conditions of a check cost more than a check may."""


@dataclass(slots=True)
class Effort:
    """The work on the conditions of a check, which is limited."""

    timeout_s: float = math.inf
    visits: int = 0
    _deadline: float = field(default=math.inf, init=False)
    _next_look: int = field(default=0, init=False)

    def start(self) -> None:
        """Start the time."""
        self._deadline = time.monotonic() + self.timeout_s

    def visit(self, values: int = 1) -> None:
        """Count values that are looked at. Raises EffortExceededError."""
        self.visits += values
        if self.visits > MAX_VISITS:
            message = f"the conditions look at more than {MAX_VISITS} values"
            raise EffortExceededError(message)
        if self.visits >= self._next_look:
            self.check_time()
            self._next_look = self.visits + VISITS_PER_LOOK_AT_CLOCK

    def check_time(self) -> None:
        """Raise EffortExceededError if the time is over."""
        if time.monotonic() > self._deadline:
            message = f"the conditions took longer than {self.timeout_s:g} s"
            raise EffortExceededError(message)


@lru_cache(maxsize=1024)
def parse_path(path: str) -> JSONPath:
    """Parse a JSONPath (RFC 9535) that visits each value of a body once or twice.

    So there is one selector in each bracket, no filter, one `..` at most, and two
    wildcards or slices at most, of which one may stand in or after the `..`.

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
    chosen = [selector for segment in segments for selector in segment.selectors]
    descents = [
        index
        for index, segment in enumerate(segments)
        if isinstance(segment, JSONPathRecursiveDescentSegment)
    ]
    wildcards = [
        index
        for index, selector in enumerate(chosen)
        if isinstance(selector, selectors.SliceSelector | selectors.WildcardSelector)
    ]
    if (
        len(chosen) > len(segments)
        or len(descents) > 1
        or len(wildcards) > MAX_WILDCARDS
        or (descents and sum(index >= descents[0] for index in wildcards) > 1)
        or not all(isinstance(selector, SELECTORS) for selector in chosen)
    ):
        message = (
            "this JSONPath is not supported: no filters, one selector in each bracket,"
            f" {MAX_WILDCARDS} wildcards or slices at most, one .. at most and one"
            " wildcard or slice after it"
        )
        raise ValueError(message)
    return cast("JSONPath", parsed)


def find_unreadable_paths(stored: Iterable[Mapping[str, object]]) -> list[str]:
    """Return the stored paths that can't be parsed: older releases accepted others."""
    paths = [str(row["path"]) for row in stored if row.get("path") is not None]
    return [path for path in paths if not _is_readable(path)]


def _is_readable(path: str) -> bool:
    try:
        parse_path(path)
    except ValueError:
        return False
    return True


def find_unmet(
    conditions: Sequence[Condition],
    body: bytes,
    effort: Effort | None = None,
    *,
    content_type: str = "",
    quotes_values: bool = True,
) -> str | None:
    """Return what the first unmet condition expects; None when all are met.

    A path may select several values: each of them must fulfil the condition. Without
    any value only `exists` with the value false is met. Conditions that cost more than
    the effort allows are unmet.

    Args:
        conditions: all of a service.
        body: as it was received, unpacked.
        effort: what they may cost.
        content_type: the header, which may name the body's encoding.
        quotes_values: whether the text shows the value that was found.
    """
    effort = effort or Effort()
    effort.start()
    document: Json = None
    text = decode_body(body, content_type)
    if any(condition.path is not None for condition in conditions):
        # Parsing this many at once would stop all other checks for a while.
        if text.count("[") + text.count("{") > MAX_VISITS:
            return f"the body has more than {MAX_VISITS} lists and objects"
        try:
            document = _parse_json(body, text)
        except orjson.JSONDecodeError:
            return "the body is not JSON"
    for condition in conditions:
        try:
            effort.check_time()
            values: Iterator[Json] = iter((text,))
            if condition.path is not None:
                values = select_values(parse_path(condition.path), document, effort)
            unmet = _find_fault(condition, values, effort, quotes_values=quotes_values)
        except (ValueError, EffortExceededError) as error:
            # A path of an older release, or a body that is too large for the path.
            return f"{condition.path or 'the text'}: {str(error).splitlines()[0]}"
        if unmet is not None:
            return unmet
    return None


def _parse_json(body: bytes, text: str) -> Json:
    """Parse a body. Raises orjson.JSONDecodeError.

    JSON is UTF-8 whatever a header says (RFC 8259); only what is not is read as the
    text that its mark or its header declares.
    """
    try:
        return cast("Json", orjson.loads(body.removeprefix(codecs.BOM_UTF8)))
    except orjson.JSONDecodeError:
        return cast("Json", orjson.loads(text))


def select_values(path: JSONPath, document: Json, effort: Effort) -> Iterator[Json]:
    """Yield the values at a path, one after the other, and count all on the way.

    The library's own evaluation does not count what `..` passes by.
    """
    values: Iterator[Json] = iter((document,))
    for segment in path.segments:
        if isinstance(segment, JSONPathRecursiveDescentSegment):
            values = _descend(values, effort)
        values = _step(values, segment.selectors[0], effort)
    return values


def _step(
    values: Iterator[Json], selector: selectors.JSONPathSelector, effort: Effort
) -> Iterator[Json]:
    for value in values:
        for child in _select_children(value, selector):
            effort.visit()
            yield child


def _descend(values: Iterator[Json], effort: Effort) -> Iterator[Json]:
    """Yield each value and everything in it, in the document's order."""
    stack = [values]
    while stack:
        for value in stack[-1]:
            effort.visit()
            yield value
            if isinstance(value, dict | list):
                if len(stack) > MAX_DEPTH:
                    message = f"the body is nested more than {MAX_DEPTH} deep"
                    raise EffortExceededError(message)
                stack.append(iter(_children(value)))
                break
        else:
            stack.pop()


def _children(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _select_children(
    value: Json, selector: selectors.JSONPathSelector
) -> Iterable[Json]:
    match selector:
        case selectors.WildcardSelector():
            return _children(value)
        case selectors.NameSelector() if (
            isinstance(value, dict) and selector.name in value
        ):
            return (value[selector.name],)
        case selectors.IndexSelector() if isinstance(value, list):
            index = selector.index
            return (value[index],) if -len(value) <= index < len(value) else ()
        case selectors.SliceSelector() if (
            isinstance(value, list) and selector.slice.step != 0
        ):
            positions = range(*selector.slice.indices(len(value)))
            return (value[position] for position in positions)
    return ()


def _find_fault(
    condition: Condition,
    values: Iterator[Json],
    effort: Effort,
    *,
    quotes_values: bool,
) -> str | None:
    where = condition.path or "the text"
    if condition.test is Comparison.EXISTS:
        is_expected = condition.value is not False
        wish = "a value" if is_expected else "no value"
        has_value = any(True for _ in values)
        return None if has_value is is_expected else f"{where}: expected {wish}"
    test = condition.test.replace("_", " ")
    wish = f"{where}: expected {test} {_render(condition.value, quotes=True)}"
    has_value = False
    for value in values:
        has_value = True
        if condition.test in CONTAINMENTS and isinstance(value, list):
            effort.visit(len(value))
        if not _holds(condition.test, value, condition.value):
            # The whole text may be a secret, or a page.
            is_quoted = quotes_values and condition.path is not None
            return f"{wish}, found {_show(value)}" if is_quoted else wish
    if has_value:
        return None
    return f"{wish}, found nothing" if quotes_values else wish


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


def _show(value: Json) -> str:
    """Write the beginning of a value, which may be large or nested deeply."""
    if isinstance(value, str):
        return value[:MAX_SHOWN_CHARS]
    chunks = islice(_ENCODER.iterencode(value), MAX_SHOWN_CHARS)
    return "".join(chunks)[:MAX_SHOWN_CHARS]
