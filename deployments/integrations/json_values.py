"""Reads values out of JSON that others wrote: what has the wrong shape is empty."""

from typing import TypeAlias, cast

Json: TypeAlias = dict[str, object]

#: Longer than any id that a platform has given out; what is longer is no id.
MAX_ID_CHARS = 256


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


def read_text(value: object) -> str:
    """Read a text; one without a visible letter is empty."""
    # PostgreSQL's text can't hold NUL: one such letter would refuse the message.
    text = value.replace("\0", "") if isinstance(value, str) else ""
    return text if text.strip() else ""
