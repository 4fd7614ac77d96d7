"""Reads and writes of the monitor's leader; the lease fences every write."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from persistence.database import Connection, Db
from persistence.errors import PersistenceError
from persistence.ids import ResultId, ServiceId, TenantId
from persistence.monitor import CheckRow, Service, Status, TransitionRow
from persistence.queries import build_row, load_queries
from persistence.retention import bound_now

_SQL = load_queries("watch")
#: Payloads are `services`, `asked` and `answered`.
CHANNEL = "pilito_monitor"
#: Rows that one statement removes.
PRUNE_ROWS = 5_000
YEAR = timedelta(days=366)
#: Clocks of two machines may differ by so much.
CLOCK_DIFFERENCE = timedelta(minutes=1)
#: Hours are shown for this long at most.
HOURS_KEPT = timedelta(days=32)


class LeaseLostError(PersistenceError):
    """Another runtime is the monitor's leader now."""

    permanent = True


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to lead, until a later epoch is claimed."""

    holder: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class Watched:
    """A service, its tenant's language, and whether it is in maintenance."""

    service: Service
    language: str
    in_maintenance: bool


@dataclass(frozen=True, slots=True)
class Missed:
    """A slot of a service without a check."""

    id: ResultId
    tenant_id: TenantId
    service_id: ServiceId
    slot_at: datetime


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


async def claim_lease(db: Db, holder: UUID, term: timedelta) -> Lease | None:
    """Claim the lease; None while another runtime holds it."""
    epoch = await db.fetchval(_SQL["claim_lease"], holder, term)
    return None if epoch is None else Lease(holder, epoch)


async def renew_lease(db: Db, lease: Lease, term: timedelta) -> None:
    """Extend the lease by a term. Raises LeaseLostError."""
    held = await db.fetchval(_SQL["renew_lease"], lease.holder, lease.epoch, term)
    if held is None:
        raise LeaseLostError


async def release_lease(db: Db, lease: Lease) -> None:
    """Release the lease for the next leader."""
    await db.execute(_SQL["release_lease"], lease.holder, lease.epoch)


async def check_lease(db: Connection, lease: Lease) -> None:
    """Fence a transaction of the leader. Raises LeaseLostError."""
    try:
        await db.fetchval(_SQL["check_lease"], lease.holder, lease.epoch)
    except asyncpg.PostgresError as error:
        if error.sqlstate == "PF001":
            raise LeaseLostError from error
        raise


async def fetch_watched(db: Db, at: datetime, slot: datetime) -> tuple[Watched, ...]:
    """Fetch the services of all tenants that are due in a slot."""
    rows = await db.fetch(_SQL["fetch_watched"], at, slot)
    return tuple(_watched(row) for row in rows)


async def fetch_newcomers(db: Db, at: datetime, slot: datetime) -> tuple[Watched, ...]:
    """Fetch services that came after the slot began and were not checked in it."""
    rows = await db.fetch(_SQL["fetch_newcomers"], at, slot)
    return tuple(_watched(row) for row in rows)


async def fetch_one_watched(
    db: Db, service_id: ServiceId, at: datetime
) -> Watched | None:
    """Fetch one service, enabled or not."""
    row = await db.fetchrow(_SQL["fetch_one_watched"], service_id, at)
    return None if row is None else _watched(row)


async def fetch_states(
    db: Db, services: Collection[ServiceId]
) -> dict[ServiceId, dict[str, object] | None]:
    """Fetch the stored states; None before the first check."""
    rows = await db.fetch(_SQL["fetch_states"], list(services))
    return {ServiceId(row["service_id"]): row["state"] for row in rows}


async def fetch_recorded(db: Db, results: Sequence[ResultId]) -> frozenset[ResultId]:
    """Fetch which of these results are stored."""
    rows = await db.fetch(_SQL["fetch_recorded"], list(results))
    return frozenset(ResultId(row["id"]) for row in rows)


async def claim_slot(
    db: Db, services: Sequence[ServiceId], slot: datetime
) -> frozenset[ServiceId]:
    """Claim the services' checks in a slot; return those that may start."""
    rows = await db.fetch(_SQL["claim_slot"], list(services), slot)
    return frozenset(ServiceId(row["service_id"]) for row in rows)


async def insert_results(db: Connection, rows: Sequence[CheckRow]) -> None:
    """Store results, one for each slot."""
    await db.execute(
        _SQL["insert_results"],
        *([getattr(row, name.name) for row in rows] for name in fields(CheckRow)),
    )


async def update_states(
    db: Connection,
    rows: Sequence[tuple[Status, datetime | None, object, CheckRow]],
) -> None:
    """Store statuses, since when, the rules' whole states, and latest results."""
    statuses, since, states, latest = zip(*rows, strict=True)
    await db.execute(
        _SQL["update_states"],
        [check.service_id for check in latest],
        statuses,
        since,
        states,
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
    """Record slots without a check; return those that were not recorded before."""
    rows = await db.fetch(_SQL["insert_missed"], list(slots), reason)
    return tuple(build_row(Missed, row) for row in rows)


async def insert_unfinished(
    db: Connection, at: datetime, reason: str
) -> tuple[Missed, ...]:
    """Record checks that a former leader started and did not finish."""
    rows = await db.fetch(_SQL["insert_unfinished"], reason, at)
    return tuple(build_row(Missed, row) for row in rows)


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


async def forget_future_claims(db: Connection, at: datetime) -> None:
    """Forget the claims of slots that are ahead of the clock."""
    await db.execute(_SQL["forget_future_claims"], at + CLOCK_DIFFERENCE)


async def correct_future(db: Connection, at: datetime) -> int:
    """Correct what was stored by a clock that was ahead; return how many results.

    Args:
        db: in a transaction of the leader.
        at: the time, now that the clock is right.
    """
    bound = at + CLOCK_DIFFERENCE
    moved = await db.fetch(_SQL["redate_future_results"], bound, at)
    await db.execute(_SQL["forget_future"], bound, at)
    return len(moved)


async def fetch_trusted_now(db: Db, at: datetime, retention: timedelta) -> datetime:
    """Return the time by which old results may be deleted; see `bound_now`."""
    row = await db.fetchrow(_SQL["fetch_prune_bounds"])
    oldest, now = (None, at) if row is None else (row["oldest"], row["now"])
    return bound_now(at, now, oldest, retention)


async def delete_old_results(db: Db, before: datetime) -> int:
    """Delete some results that are older; return how many there were."""
    return len(await db.fetch(_SQL["delete_old_results"], before, PRUNE_ROWS))


async def delete_old_rest(db: Db, at: datetime) -> None:
    """Delete old rollups, transitions, alerts and maintenance windows."""
    await db.execute(_SQL["delete_old_rest"], at - HOURS_KEPT, at - YEAR)


def _watched(row: asyncpg.Record) -> Watched:
    return Watched(
        service=build_row(Service, row),
        language=row["language"],
        in_maintenance=row["in_maintenance"],
    )
