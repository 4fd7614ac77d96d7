"""Reads the named queries of `sql/*.sql`, and builds records from their rows."""

import re
from collections.abc import Callable
from dataclasses import fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_origin, get_type_hints

import asyncpg

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SQL = Path(__file__).parent / "sql"
Row = TypeVar("Row", bound="DataclassInstance")
_HEADER = re.compile(r"^-- (\w+) --$", re.MULTILINE)


@cache
def load_queries(noun: str) -> dict[str, str]:
    """Load `sql/{noun}.sql`: query name to statement, comments left in.

    Raises:
        KeyError: at the caller, when a name is not there; names are never computed.
    """
    parts = _HEADER.split((SQL / f"{noun}.sql").read_text(encoding="utf-8"))
    return {
        name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def build_row(kind: type[Row], row: asyncpg.Record) -> Row:
    """Build a dataclass from the columns of its fields' names, whatever else there is.

    Enumerations and tuples are converted; all other values are taken as they are.
    """
    build: Callable[..., Row] = kind
    return build(
        **{
            name: row[name] if convert is None else convert(row[name])
            for name, convert in _find_converters(kind)
        }
    )


@cache
def _find_converters(
    kind: type[Row],
) -> tuple[tuple[str, Callable[..., object] | None], ...]:
    hints = get_type_hints(kind)
    return tuple((one.name, _find_converter(hints[one.name])) for one in fields(kind))


def _find_converter(hint: object) -> Callable[..., object] | None:
    if get_origin(hint) is tuple:
        return tuple
    return hint if isinstance(hint, type) and issubclass(hint, StrEnum) else None
