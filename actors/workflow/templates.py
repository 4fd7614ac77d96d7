"""Fills the fields of templates, such as `{{customer.first_name}}`.

A field may name what stands where its value is empty: `{{customer.first_name|دوست
عزیز}}`. What is filled in is data: a customer's words can't bring in a field.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import quote
from zoneinfo import ZoneInfo

import orjson
from persiantools.digits import en_to_fa
from persiantools.jdatetime import JalaliDate

from actors.workflow.run.state import Facts

#: Of one value, and of a whole text.
MAX_FILLED_CHARS = 2000
MAX_RENDERED_CHARS = 20_000
#: A field, its name, and what stands for an empty value.
FIELD = re.compile(r"\{\{\s*([^{}|]*?)\s*(?:\|([^{}]*))?\}\}")
_BRACES = re.compile(r"\{\{|\}\}")
#: Embeddings, overrides and isolates of direction: a name could turn a text around.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ATTRIBUTE = "customer.attributes."
_VALUE = "values."


class Escape(StrEnum):
    """Where a text goes, and so which of its characters must be written otherwise."""

    TEXT = "text"
    #: Inside of a string literal.
    JSON = "json"
    #: Any part of an address.
    URL = "url"
    #: A line of a header.
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """Where fields get their values."""

    facts: Facts
    values: Mapping[str, str]
    #: The customer's newest message.
    text: str
    now: datetime


_Reader = Callable[[TemplateSource], str]


def _full_name(source: TemplateSource) -> str:
    return f"{source.facts.first_name} {source.facts.last_name}".strip()


def _local(source: TemplateSource) -> datetime:
    return source.now.astimezone(ZoneInfo(source.facts.hours.time_zone))


def _date(source: TemplateSource) -> str:
    day = _local(source).date()
    if source.facts.language == "en":
        return day.isoformat()
    return en_to_fa(JalaliDate(day).strftime("%Y/%m/%d"))


def _time(source: TemplateSource) -> str:
    text = f"{_local(source):%H:%M}"
    return text if source.facts.language == "en" else en_to_fa(text)


_READERS: Mapping[str, _Reader] = MappingProxyType(
    {
        "customer.first_name": lambda source: source.facts.first_name,
        "customer.last_name": lambda source: source.facts.last_name,
        "customer.full_name": _full_name,
        "customer.username": lambda source: source.facts.username,
        "customer.tags": lambda source: "، ".join(source.facts.tags),
        "message.text": lambda source: source.text,
        "tenant.name": lambda source: source.facts.tenant_name,
        "date": _date,
        "time": _time,
    }
)


def find_fields(template: str) -> tuple[str, ...]:
    """Return the fields that a template names, in order."""
    return tuple(match[1] for match in FIELD.finditer(template))


def check_template(template: str, value_keys: Collection[str]) -> str | None:
    """Return what is wrong with a template; None if nothing is.

    `value_keys`: the values that a run may have, by answers and webhooks.
    """
    for name in find_fields(template):
        if name in _READERS or name.removeprefix(_ATTRIBUTE) not in {name, ""}:
            continue
        if name.startswith(_VALUE) and name.removeprefix(_VALUE) in value_keys:
            continue
        known = ", ".join((*_READERS, f"{_ATTRIBUTE}…", f"{_VALUE}…"))
        return f"there is no field {{{{{name}}}}}; there are: {known}"
    if _BRACES.search(FIELD.sub("", template)):
        return "a field is not closed: it begins with {{ and ends with }}"
    return None


def render(template: str, source: TemplateSource, escape: Escape) -> str:
    """Fill in the fields; an unknown or empty one is its default, or nothing."""

    def fill(match: re.Match[str]) -> str:
        value = _read(match[1], source) or (match[2] or "").strip()
        return _ESCAPES[escape](_clean(value)[:MAX_FILLED_CHARS])

    return FIELD.sub(fill, template)[:MAX_RENDERED_CHARS]


def _read(name: str, source: TemplateSource) -> str:
    if name in _READERS:
        return _READERS[name](source)
    if name.startswith(_ATTRIBUTE):
        return source.facts.attributes.get(name.removeprefix(_ATTRIBUTE), "")
    if name.startswith(_VALUE):
        # A run that is replayed has no answers of its own; the customer's card has.
        key = name.removeprefix(_VALUE)
        return source.values.get(key) or source.facts.attributes.get(key, "")
    return ""


def _clean(text: str) -> str:
    """Drop what is not seen: control characters but line ends, and directions."""
    kept = (
        one
        for one in text
        if one in "\n\t" or unicodedata.category(one) not in {"Cc", "Cs"}
    )
    return _BIDI.sub("", "".join(kept))


def _to_json(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]


def _to_url(text: str) -> str:
    return quote(text, safe="")


def _to_header(text: str) -> str:
    return " ".join(text.split())


_ESCAPES: Mapping[Escape, Callable[[str], str]] = MappingProxyType(
    {
        Escape.TEXT: str,
        Escape.JSON: _to_json,
        Escape.URL: _to_url,
        Escape.HEADER: _to_header,
    }
)
