"""What the one who watches reads and writes; every write is fenced by the lease."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from persistence.database import Connection, Db
from persistence.errors import PersistenceError
from persistence.ids import ResultId, ServiceId, TenantId
from persistence.monitor import CheckRow, Service, Status, TransitionRow
from persistence.queries import load_queries
from persistence.services import build_service

_SQL = load_queries("watch")
#: So many rows are removed by one statement.
PRUNE_ROWS = 5_000
YEAR = timedelta(days=366)
#: Hours are shown for this long at most.
HOURS_KEPT = timedelta(days=32)


class LeaseLostError(PersistenceError):
    """Another runtime watches the services now."""

    permanent = True


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to watch, as long as nobody has a later epoch."""

    holder: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class Watched:
    """A service, its tenant's language, and whether somebody works on it."""

    service: Service
    language: str
    in_maintenance: bool


@dataclass(frozen=True, slots=True)
class StateRow:
    """What is kept beside a service after a result."""

    service_id: ServiceId
    status: Status
    since: datetime | None
    #: A dataclass that orjson writes.
    state: object
    latest: CheckRow


@dataclass(frozen=True, slots=True)
class Missed:
    """A slot of a service in which nobody checked."""

    id: ResultId
    tenant_id: TenantId
    service_id: ServiceId
    slot_at: datetime


async def claim_lease(db: Db, holder: UUID, term: timedelta) -> Lease | None:
    """Take the lease; None while another holds it."""
    epoch = await db.fetchval(_SQL["claim_lease"], holder, term)
    return None if epoch is None else Lease(holder, epoch)


async def renew_lease(db: Db, lease: Lease, term: timedelta) -> None:
    """Hold it for another term. Raises LeaseLostError."""
    held = await db.fetchval(_SQL["renew_lease"], lease.holder, lease.epoch, term)
    if held is None:
        raise LeaseLostError


async def release_lease(db: Db, lease: Lease) -> None:
    """Let the next one take it at once."""
    await db.execute(_SQL["release_lease"], lease.holder, lease.epoch)


async def check_lease(db: Connection, lease: Lease) -> None:
    """Begin a transaction of who watches. Raises LeaseLostError."""
    try:
        await db.fetchval(_SQL["check_lease"], lease.holder, lease.epoch)
    except asyncpg.PostgresError as error:
        if error.sqlstate == "PF001":
            raise LeaseLostError from error
        raise


async def fetch_watched(db: Db, at: datetime, slot: datetime) -> tuple[Watched, ...]:
    """Fetch all services, of all tenants, that the slot is to check."""
    rows = await db.fetch(_SQL["fetch_watched"], at, slot)
    return tuple(_watched(row) for row in rows)


async def fetch_newcomers(db: Db, at: datetime, slot: datetime) -> tuple[Watched, ...]:
    """Fetch what has come since the slot began and waits for its first check."""
    rows = await db.fetch(_SQL["fetch_newcomers"], at, slot)
    return tuple(_watched(row) for row in rows)


async def fetch_one_watched(
    db: Db, service_id: ServiceId, at: datetime
) -> Watched | None:
    """Fetch one service, switched on or not."""
    row = await db.fetchrow(_SQL["fetch_one_watched"], service_id, at)
    return None if row is None else _watched(row)


async def fetch_states(
    db: Db, services: Collection[ServiceId]
) -> dict[ServiceId, dict[str, object] | None]:
    """Fetch what the rules remember, as stored; None before a first check."""
    rows = await db.fetch(_SQL["fetch_states"], list(services))
    return {ServiceId(row["service_id"]): row["state"] for row in rows}


async def fetch_recorded(db: Db, results: Sequence[ResultId]) -> frozenset[ResultId]:
    """Fetch which of these results are stored."""
    rows = await db.fetch(_SQL["fetch_recorded"], list(results))
    return frozenset(ResultId(row["id"]) for row in rows)


async def claim_slot(
    db: Db, services: Sequence[ServiceId], slot: datetime
) -> frozenset[ServiceId]:
    """Claim the services' checks in this slot; return those that may begin."""
    rows = await db.fetch(_SQL["claim_slot"], list(services), slot)
    return frozenset(ServiceId(row["service_id"]) for row in rows)


async def insert_results(db: Connection, rows: Sequence[CheckRow]) -> None:
    """Store results; one that its slot has already is left out."""
    await db.execute(
        _SQL["insert_results"],
        *([getattr(row, name.name) for row in rows] for name in fields(CheckRow)),
    )


async def update_states(db: Connection, rows: Sequence[StateRow]) -> None:
    """Store what is known now, and the latest results."""
    latest = [row.latest for row in rows]
    await db.execute(
        _SQL["update_states"],
        [row.service_id for row in rows],
        [row.status for row in rows],
        [row.since for row in rows],
        [row.state for row in rows],
        [check.id for check in latest],
        [check.checked_at for check in latest],
        [check.status_code for check in latest],
        [check.ok for check in latest],
        [check.latency_ms for check in latest],
        [check.error for check in latest],
        [check.tls_expires_at for check in latest],
    )


async def insert_transitions(db: Connection, rows: Sequence[TransitionRow]) -> None:
    """Store changes of status."""
    await db.execute(
        _SQL["insert_transitions"],
        *([getattr(row, name.name) for row in rows] for name in fields(TransitionRow)),
    )


async def insert_missed(
    db: Connection, slots: Sequence[datetime], reason: str
) -> tuple[Missed, ...]:
    """Note slots in which nobody checked; return what was not noted before."""
    rows = await db.fetch(_SQL["insert_missed"], list(slots), reason)
    return tuple(_missed(row) for row in rows)


async def insert_unfinished(
    db: Connection, at: datetime, reason: str
) -> tuple[Missed, ...]:
    """Note checks that were begun by a process that is gone."""
    rows = await db.fetch(_SQL["insert_unfinished"], reason, at)
    return tuple(_missed(row) for row in rows)


async def delete_old_results(db: Db, before: datetime) -> int:
    """Delete some results that are older; return how many there were."""
    return len(await db.fetch(_SQL["delete_old_results"], before, PRUNE_ROWS))


async def delete_old_rest(db: Db, at: datetime) -> None:
    """Delete what else has become too old to be shown."""
    await db.execute(_SQL["delete_old_rest"], at - HOURS_KEPT, at - YEAR)


def _watched(row: asyncpg.Record) -> Watched:
    return Watched(
        service=build_service(row),
        language=row["language"],
        in_maintenance=row["in_maintenance"],
    )


def _missed(row: asyncpg.Record) -> Missed:
    return Missed(
        ResultId(row["id"]),
        TenantId(row["tenant_id"]),
        ServiceId(row["service_id"]),
        row["slot_at"],
    )
