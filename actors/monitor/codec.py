"""How a service's health is read from JSON; orjson writes it as it is."""

from collections.abc import Mapping
from functools import cache

from pydantic import TypeAdapter

from actors.monitor.rules.state import ServiceHealth


def decode_state(stored: Mapping[str, object]) -> ServiceHealth:
    """Read a state back; equal to the one that was written."""
    return _states().validate_python(stored)


# Takes a millisecond to build, and is asked for by every service.
@cache
def _states() -> TypeAdapter[ServiceHealth]:
    return TypeAdapter(ServiceHealth)
