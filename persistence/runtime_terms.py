"""Which runtime began last on this database: an earlier one has to end."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from persistence.database import Db
from persistence.errors import ShardFencedError
from persistence.queries import build_row, load_queries

_SQL = load_queries("runtime_terms")


@dataclass(frozen=True, slots=True)
class Term:
    """The time of one start of `pilito up`, which ends when another one begins."""

    id: UUID
    began_at: datetime


async def begin_term(db: Db, term_id: UUID) -> None:
    """Begin the term of a starting runtime, which ends every other one's."""
    await db.execute(_SQL["begin_term"], term_id)


async def fetch_successor(db: Db, term_id: UUID) -> Term | None:
    """Fetch the runtime that began after this one; None while this one is the last."""
    row = await db.fetchrow(_SQL["fetch_term"])
    term = None if row is None else build_row(Term, row)
    return term if term is not None and term.id != term_id else None


async def check_term(db: Db, term_id: UUID) -> None:
    """Refuse what an earlier runtime starts again. Raises ShardFencedError."""
    if await fetch_successor(db, term_id) is not None:
        raise ShardFencedError
