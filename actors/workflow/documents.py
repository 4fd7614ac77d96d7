"""Definitions as JSON: read, written, and described by a schema."""

from functools import cache

import orjson
from pydantic import TypeAdapter

from actors.workflow.definition import BusinessHours, Definition


def read_definition(text: str) -> Definition:
    """Read a definition. Raises pydantic.ValidationError."""
    return _definitions().validate_json(text)


def write_definition(definition: Definition) -> str:
    """Write a definition; `read_definition` returns an equal one."""
    return _definitions().dump_json(definition).decode()


def read_hours(text: str | None) -> BusinessHours:
    """Read business hours; those of a tenant without any are always open."""
    return BusinessHours() if text is None else _hours().validate_json(text)


def write_hours(hours: BusinessHours) -> str:
    """Write business hours."""
    return _hours().dump_json(hours).decode()


def render_schema() -> str:
    """Return the JSON Schema of definitions, as it is published."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pilito workflow",
        **_definitions().json_schema(),
    }
    written = orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    return f"{written.decode()}\n"


@cache
def _definitions() -> TypeAdapter[Definition]:
    return TypeAdapter(Definition)


@cache
def _hours() -> TypeAdapter[BusinessHours]:
    return TypeAdapter(BusinessHours)
