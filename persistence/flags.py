"""Flags that are set, and the history of their changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from config.flags import FlagValue, SetFlag
from persistence.database import Connection, Db
from persistence.ids import UserId
from persistence.queries import build_row, load_queries

_SQL = load_queries("flags")

#: Every change is announced here, with the flag's name.
FLAGS_CHANNEL = "pilito_flags"
#: Author of changes that no user made, as `insert_flag_change` writes it.
RUNTIME_AUTHOR = "pilito"


@dataclass(frozen=True, slots=True)
class FlagChange:
    """One change; None as a value stands for the default."""

    id: int
    name: str
    at: datetime
    author: str
    old: FlagValue | None
    new: FlagValue | None
    expires_at: datetime | None


async def fetch_flags(db: Db) -> dict[str, SetFlag]:
    """Fetch all flags that are set, expired or not, by name."""
    rows = await db.fetch(_SQL["fetch_flags"])
    return {row["name"]: SetFlag(row["value"], row["expires_at"]) for row in rows}


async def lock_flags(db: Connection) -> None:
    """Lock the flags against other changes until the transaction ends."""
    await db.execute(_SQL["lock_flags"])


async def fetch_flag(db: Db, name: str, at: datetime) -> SetFlag | None:
    """Fetch a flag that is set and has not expired."""
    row = await db.fetchrow(_SQL["fetch_flag"], name, at)
    return None if row is None else SetFlag(row["value"], row["expires_at"])


async def set_flag(
    db: Connection, name: str, flag: SetFlag, at: datetime, by: UserId | None
) -> None:
    """Set a flag and record the change, inside the caller's transaction."""
    await lock_flags(db)
    old = await fetch_flag(db, name, at)
    await db.execute(_SQL["upsert_flag"], name, flag.value, flag.expires_at, at)
    await _record(db, name, at, by, old, flag)


async def clear_flag(
    db: Connection, name: str, at: datetime, by: UserId | None
) -> None:
    """Return a flag to its default; a flag that is not set is no change."""
    await lock_flags(db)
    old = await fetch_flag(db, name, at)
    await db.execute(_SQL["delete_flag"], name)
    if old is not None:
        await _record(db, name, at, by, old, None)


async def fetch_flag_changes_page(
    db: Db, name: str | None, limit: int, offset: int
) -> tuple[int, tuple[FlagChange, ...]]:
    """Fetch a page of the changes of one flag or of all, and how many there are."""
    count = cast("int", await db.fetchval(_SQL["count_flag_changes"], name))
    rows = await db.fetch(_SQL["fetch_flag_changes"], name, limit, offset)
    return count, tuple(build_row(FlagChange, row) for row in rows)


async def _record(
    db: Connection,
    name: str,
    at: datetime,
    by: UserId | None,
    old: SetFlag | None,
    new: SetFlag | None,
) -> None:
    await db.execute(
        _SQL["insert_flag_change"],
        name,
        at,
        by,
        None if old is None else old.value,
        None if new is None else new.value,
        None if new is None else new.expires_at,
    )
    await db.execute(_SQL["notify_flags"], name)
