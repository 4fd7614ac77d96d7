"""Strategies that break a documented webhook: its values, its shape, its bytes."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hypothesis import strategies as st

from tests.support.fuzzing.payloads import Json

Path: TypeAlias = tuple[str | int, ...]
Draw: TypeAlias = st.DrawFn

#: Stands in a text or a key until the payload is written as JSON: NUL is escaped there,
#: and can be told from all else.
_MARK = "\0fuzz:"
_ESCAPED = "\\u0000fuzz:"
_RAW = re.compile(rf'"{re.escape(_ESCAPED)}(raw|deep):([^"\\\\]*)"')
_TWICE = f"{_ESCAPED}twice"
#: Numbers and words that Python's own writer would not write.
RAW_VALUES = (
    "1e400",
    "-1e400",
    "1e-999",
    "-0",
    "9" * 19,
    "9" * 400,
    f"-{'9' * 400}",
    "18446744073709551615",
    "9223372036854775808",
    "-9223372036854775809",
    "NaN",
    "Infinity",
    "0x1",
    "01",
)
#: Members whose values our readers follow inwards.
NESTED_BY = ("text", "blocks", "button", "caption", "message", "reply_to_message", "a")
DEPTHS = (20, 100, 250, 500, 900, 990, 1020, 1100, 20_000)
#: So often a list or a text is repeated, as far as a webhook may be large.
REPEATS = (2, 101, 3_000, 100_000)
MAX_BYTES = 900_000

texts = st.one_of(
    st.text(st.characters(), max_size=20),
    st.sampled_from(
        (
            "",
            " ",
            "\0",
            "a\0b",
            "\ud83d",
            "سلام \udc00",
            "\u200c\u200f",
            "true",
            "-1",
            "۱۲۳",
            "9" * 300,
            "1" * 5_000,
            "{}",
            "%s{0}",
            "\x85\u2028\r\n",
            "https://[::1",
            "x" * 257,
        )
    ),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from((0, -1, 2**31, 2**53, 2**63 - 1, 2**64 - 1)),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    st.sampled_from(RAW_VALUES).map(lambda raw: f"{_MARK}raw:{raw}"),
)
values: st.SearchStrategy[Json] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
    ),
    max_leaves=8,
)


def list_paths(value: Json, path: Path = ()) -> Iterator[Path]:
    """Name every place in the payload, the whole of it first."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from list_paths(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from list_paths(inner, (*path, index))


def _find(value: Json, path: Path) -> Json:
    for step in path:
        match value, step:
            case dict(), str():
                value = value[step]
            case list(), int():
                value = value[step]
            case _:
                raise KeyError(step)
    return value


def _replace(value: Json, path: Path, new: Json) -> Json:
    if not path:
        return new
    match _find(value, path[:-1]), path[-1]:
        case dict() as members, str(name):
            members[name] = new
        case list() as items, int(index):
            items[index] = new
        case _:
            raise KeyError(path)
    return value


def _replaced(draw: Draw, payload: Json, path: Path) -> Json:
    return _replace(payload, path, draw(values))


def _removed(_: Draw, payload: Json, path: Path) -> Json:
    if path:
        match _find(payload, path[:-1]), path[-1]:
            case dict() as members, str(name):
                del members[name]
            case list() as items, int(index):
                del items[index]
            case _:
                raise KeyError(path)
    return payload


def _grafted(draw: Draw, payload: Json, path: Path) -> Json:
    """Put a part of the payload where another one was."""
    other = draw(st.sampled_from(list(list_paths(payload))))
    return _replace(payload, path, copy.deepcopy(_find(payload, other)))


def _added(draw: Draw, payload: Json, path: Path) -> Json:
    """Add a member that nobody documents."""
    holder = _find(payload, path)
    if isinstance(holder, dict):
        holder[draw(texts)] = draw(values)
    elif isinstance(holder, list):
        holder.append(draw(values))
    return payload


def _written_twice(draw: Draw, payload: Json, path: Path) -> Json:
    holder = _find(payload, path[:-1])
    if path and isinstance(holder, dict):
        holder[f"{path[-1]}{_MARK}twice"] = draw(values)
    return payload


def _nested(draw: Draw, payload: Json, path: Path) -> Json:
    name, depth = draw(st.sampled_from(NESTED_BY)), draw(st.sampled_from(DEPTHS))
    return _replace(payload, path, f"{_MARK}deep:{name},{depth}")


def _repeated(draw: Draw, payload: Json, path: Path) -> Json:
    value, times = _find(payload, path), draw(st.sampled_from(REPEATS))
    if not isinstance(value, str | list):
        return payload
    fits = MAX_BYTES // max(1, len(json.dumps(value)))
    return _replace(payload, path, value * min(times, fits))


Mutation: TypeAlias = Callable[[Draw, Json, Path], Json]
MUTATIONS: Sequence[Mutation] = (
    _replaced,
    _replaced,
    _removed,
    _grafted,
    _added,
    _written_twice,
    _nested,
    _repeated,
)


def _write_raw(found: "re.Match[str]") -> str:
    if found[1] == "raw":
        return found[2]
    name, _, depth = found[2].partition(",")
    if name == "blocks":
        opened, closed = '[{"type":"details","blocks":', "}]"
    elif name == "a":
        opened, closed = "[", "]"
    else:
        opened, closed = f'{{"{name}":', "}"
    return f"{opened * int(depth)}1{closed * int(depth)}"


def write(payload: Json, *, is_ascii: bool = True) -> bytes:
    """Write the payload as JSON; `is_ascii` escapes letters, also half an emoji."""
    text = json.dumps(payload, ensure_ascii=is_ascii)
    text = _RAW.sub(_write_raw, text).replace(_TWICE, "")
    return text.encode("utf-8", "surrogatepass")


def _cut(draw: Draw, body: bytes) -> bytes:
    return body[: draw(st.integers(0, len(body)))]


def _spliced(draw: Draw, body: bytes) -> bytes:
    """Write random bytes over some of the body's."""
    at, noise = draw(st.integers(0, len(body))), draw(st.binary(max_size=8))
    return body[:at] + noise + body[at + len(noise) :]


def _reencoded(draw: Draw, body: bytes) -> bytes:
    encoding = draw(st.sampled_from(("utf-16", "utf-32", "utf-8-sig", "cp1256")))
    return body.decode("utf-8", "replace").encode(encoding, "replace")


@dataclass(frozen=True, slots=True)
class Body:
    """A body whose text stays short where it is shown."""

    content: bytes

    def __repr__(self) -> str:
        """Show its size and its beginning."""
        return f"{len(self.content)} bytes: {self.content[:2000]!r}"


@st.composite
def bodies(draw: Draw, payloads: Sequence[Json]) -> Body:
    """Draw the body of a webhook: one of these with a few faults."""
    payload = copy.deepcopy(draw(st.sampled_from(payloads)))
    for mutate in draw(st.lists(st.sampled_from(MUTATIONS), max_size=3)):
        path = draw(st.sampled_from(list(list_paths(payload))))
        payload = mutate(draw, payload, path)
    body = write(payload, is_ascii=draw(st.integers(0, 3)) > 0)
    # Most stay JSON: who breaks the bytes tests little else.
    if draw(st.integers(0, 9)) == 0:
        spoil = draw(st.sampled_from((_cut, _spliced, _reencoded)))
        body = spoil(draw, body)
    return Body(body)
