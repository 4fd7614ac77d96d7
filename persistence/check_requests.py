"""Requests for checks on demand: rows that the monitor's leader serves."""

from dataclasses import dataclass

from persistence.database import Db
from persistence.ids import ResultId, ServiceId
from persistence.monitor import CheckRow
from persistence.queries import build_row, load_queries

_SQL = load_queries("check_requests")
#: Payloads are `services`, `asked` and `answered`.
CHANNEL = "pilito_monitor"


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A check on demand; its result will have this id."""

    id: ResultId
    service_id: ServiceId


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a request."""

    waits: bool
    #: Whether a runtime holds the lease.
    has_leader: bool


async def insert_check_request(db: Db, request: CheckRequest) -> bool:
    """Store a request; False when there is no leader, or no such service."""
    made = await db.fetchval(
        _SQL["insert_check_request"], request.id, request.service_id
    )
    return made is not None


async def fetch_check_requests(db: Db) -> tuple[CheckRequest, ...]:
    """Fetch open requests, the oldest first."""
    rows = await db.fetch(_SQL["fetch_check_requests"])
    return tuple(build_row(CheckRequest, row) for row in rows)


async def delete_check_request(db: Db, request_id: ResultId) -> None:
    """Delete a request, which notifies its caller."""
    await db.execute(_SQL["delete_check_request"], request_id)


async def delete_old_check_requests(db: Db) -> None:
    """Delete requests whose callers have given up."""
    await db.execute(_SQL["delete_old_check_requests"])


async def fetch_progress(db: Db, request_id: ResultId) -> Progress:
    """Fetch the progress of a request."""
    row = await db.fetchrow(_SQL["fetch_progress"], request_id)
    return Progress(False, False) if row is None else Progress(*row)


async def fetch_answer(db: Db, request_id: ResultId) -> CheckRow | None:
    """Fetch the result of a request; None until there is one."""
    row = await db.fetchrow(_SQL["fetch_answer"], request_id)
    return None if row is None else build_row(CheckRow, row)
