"""Loader of the named queries in `sql/*.sql`."""

import re
from functools import cache
from pathlib import Path

SQL = Path(__file__).parent / "sql"
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
