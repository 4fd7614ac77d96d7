"""Copies a frozen record with some fields changed, where that is done per message."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # So that names and types of what changes are checked as they are there.
    from dataclasses import replace as replace

    from _typeshed import DataclassInstance
else:

    def replace(record: "DataclassInstance", /, **changes: object) -> object:
        """Do what `dataclasses.replace` does, in half of its time.

        That one looks through the fields anew each time. This one is for records whose
        fields are given by their order; those of events are given by name.
        """
        read, places = _shape_of(type(record))
        values = list(read(record))
        for name, value in changes.items():
            values[places[name]] = value
        return type(record)(*values)


@cache
def _shape_of(
    kind: "type[DataclassInstance]",
) -> tuple[Callable[[object], tuple[object, ...]], Mapping[str, int]]:
    """Return what reads all fields of a record at once, and where each one stands."""
    names = [field.name for field in fields(kind)]
    return attrgetter(*names), {name: place for place, name in enumerate(names)}
