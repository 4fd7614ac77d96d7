"""Pages of long lists: found by the key of the last row, and counted to an end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar, cast
from uuid import UUID

import asyncpg

from persistence.database import Db

#: Nobody reads the difference between more rows than this and many more.
MAX_COUNT = 1000

Row = TypeVar("Row")
KeyPart: TypeAlias = datetime | int | UUID
#: The values that a list is ordered by, of one row.
Key: TypeAlias = tuple[KeyPart, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of a list a page shows: those after a key, else after an offset.

    `before` is how many rows stand before the page, as far as its number tells.
    """

    limit: int
    before: int = 0
    after: Key | None = None

    @property
    def offset(self) -> int:
        """How many rows the statement passes over."""
        return self.before if self.after is None else 0


@dataclass(frozen=True, slots=True)
class Found(Generic[Row]):
    """The rows of a page, and how many the list has.

    `count` is a lower bound unless `is_exact`. `last` is the key of the last row, or
    None if no row follows it.
    """

    rows: tuple[Row, ...]
    count: int
    is_exact: bool
    last: Key | None


async def fetch_window(
    db: Db,
    statements: tuple[str, str | None],
    filters: Sequence[object],
    window: Window,
    key: tuple[str, ...],
    read: Callable[[asyncpg.Record], Row],
    *,
    count_filters: Sequence[object] | None = None,
) -> Found[Row]:
    """Fetch a page.

    Args:
        db: where to ask.
        statements: the page's and the count's. After the filters the page's takes
            limit, offset and the parts of the key, the count's where to stop. Without
            a second one, as for a search that would run twice, nothing is counted.
        filters: the first arguments of both.
        window: which rows.
        key: the columns of the page that it is ordered by.
        read: builds a row.
        count_filters: the first arguments of the count's, where it takes fewer.
    """
    page, count = statements
    after = window.after or (None,) * len(key)
    # One more than is shown tells whether there is a next page.
    rows = await db.fetch(page, *filters, window.limit + 1, window.offset, *after)
    has_more = len(rows) > window.limit
    shown = rows[: window.limit]
    total = window.before + len(shown) + has_more
    is_end = not has_more and bool(shown or not window.before)
    is_exact = is_end
    if count is not None and not (is_end and window.after is None):
        narrowed = filters if count_filters is None else count_filters
        total = cast("int", await db.fetchval(count, *narrowed, MAX_COUNT + 1))
        is_exact = total <= MAX_COUNT
        total = min(total, MAX_COUNT)
    return Found(
        tuple(read(row) for row in shown),
        total,
        is_exact,
        tuple(shown[-1][name] for name in key) if has_more else None,
    )
