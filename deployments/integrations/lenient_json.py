"""Lenient reading of JSON that others wrote: values of the wrong shape are empty."""

import re
from collections.abc import Mapping
from typing import TypeAlias, cast

import orjson

from deployments.integrations.errors import BrokenBodyError

Json: TypeAlias = dict[str, object]

#: Longer than any id that a platform has given out; what is longer is no id.
MAX_ID_CHARS = 256
#: Deeper than any platform nests, and far from where Python can follow no more.
MAX_NESTING = 200
#: An escape of JSON: an emoji's two halves, one half alone, or any other.
_ESCAPE = re.compile(
    rb"\\u[dD][89aAbB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.", re.DOTALL
)


def read_json(body: bytes) -> object:
    """Read JSON, also where a text of it was cut in the middle of a letter.

    Texts are cut so by platforms and by browsers, and half an emoji is no text to our
    reader: all that was delivered beside it would be refused with it. What is nested
    deeper than `MAX_NESTING` is left out: whoever writes it again would fail.

    Raises:
        BrokenBodyError: it is no JSON all the same.
    """
    value = _parse(body)
    # Counted first: next to no body has so many brackets, and walking it takes time.
    if body.count(b"[") + body.count(b"{") > MAX_NESTING:
        _cut_nesting(value)
    return value


def _parse(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        whole = body.decode("utf-8", "replace").encode()
        whole = _ESCAPE.sub(
            lambda escape: rb"\ufffd" if escape[1] else escape[0], whole
        )
    try:
        return orjson.loads(whole)
    except orjson.JSONDecodeError as error:
        message = f"The body is not JSON: {error}"
        raise BrokenBodyError(message) from error


def _cut_nesting(value: object) -> None:
    """Replace what lies too deep by null, without a call per level."""
    waiting = [(value, 1)]
    while waiting:
        holder, depth = waiting.pop()
        if isinstance(holder, dict):
            members = cast("Json", holder)
            for name, inner in members.items():
                if not isinstance(inner, dict | list):
                    continue
                if depth < MAX_NESTING:
                    waiting.append((inner, depth + 1))
                else:
                    members[name] = None
        elif isinstance(holder, list):
            for index, inner in enumerate(holder):
                if not isinstance(inner, dict | list):
                    continue
                if depth < MAX_NESTING:
                    waiting.append((inner, depth + 1))
                else:
                    holder[index] = None


def parse_object(content: bytes) -> Mapping[object, object]:
    """Parse a JSON object; empty when the content is none."""
    try:
        body: object = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def read_object(value: object) -> Json:
    """Return the object, an empty one if it is none."""
    return cast("Json", value) if isinstance(value, dict) else {}


def read_objects(value: object) -> list[Json]:
    """Return the list's members as objects; no members if it is no list."""
    if not isinstance(value, list):
        return []
    return [read_object(item) for item in value]


def read_identifier(value: object) -> str:
    """Read an id; numbers are taken as well, what can't be one is empty."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = value if isinstance(value, str) else ""
    return text if len(text) <= MAX_ID_CHARS and "\0" not in text else ""


def read_flag(value: object) -> bool:
    """Read a flag; some senders write it as a text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def read_text(value: object) -> str:
    """Read a text; one without a visible letter is empty."""
    # PostgreSQL's text can't hold NUL: one such letter would refuse the message.
    text = value.replace("\0", "") if isinstance(value, str) else ""
    return text if text.strip() else ""
