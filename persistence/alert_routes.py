"""The routes of alerts, and the confirmation of mail addresses."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from uuid import uuid4

import asyncpg

from persistence.database import Connection, Db
from persistence.errors import DuplicateRowError
from persistence.ids import RouteId, TenantId
from persistence.monitor import RouteKind, RouteRow
from persistence.queries import build_row, fetch_page, load_queries
from persistence.secrets import hash_token

_SQL = load_queries("alert_routes")
TAKEN = "name: a route of this name exists already"
CONFIRMATION_TERM = timedelta(days=3)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A link to be mailed: the hash of its token, and the token, encrypted."""

    hash: bytes
    token: bytes = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class ConfirmationCounts:
    """How many links were asked for.

    Of the route within a minute, of the tenant within an hour, and to the address, by
    any tenant, within a day.
    """

    of_route: int
    of_tenant: int
    to_address: int


@dataclass(frozen=True, slots=True)
class PendingConfirmation:
    """A link that is to be mailed now. Target and token are encrypted."""

    id: RouteId
    tenant_id: TenantId
    target: bytes = field(repr=False)
    token: bytes = field(repr=False)
    hash: bytes
    attempts: int
    tenant_name: str
    language: str


@dataclass(frozen=True, slots=True)
class OpenConfirmation:
    """A link that was opened: the route that it confirms, and the tenant."""

    id: RouteId
    tenant_id: TenantId
    tenant_name: str
    language: str


async def create_route(
    db: Db,
    tenant_id: TenantId,
    kind: RouteKind,
    name: str,
    target: bytes,
    confirmation: Confirmation | None = None,
) -> RouteRow:
    """Create a route, which is used at once unless its address is to be confirmed.

    Raises:
        DuplicateRowError: the name is taken.
    """
    row = await db.fetchrow(
        _SQL["insert_route"],
        uuid4(),
        tenant_id,
        kind,
        name,
        target,
        *_columns(confirmation),
    )
    if row is None:
        raise DuplicateRowError(TAKEN)
    return build_row(RouteRow, row)


async def fetch_route(
    db: Db, tenant_id: TenantId, route_id: RouteId
) -> RouteRow | None:
    """Fetch a route; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_route"], tenant_id, route_id)
    return None if row is None else build_row(RouteRow, row)


async def fetch_routes_page(
    db: Db, tenant_id: TenantId, limit: int, offset: int
) -> tuple[int, tuple[RouteRow, ...]]:
    """Fetch a page of routes and how many there are in all."""
    statements = _SQL["fetch_routes_page"], _SQL["count_routes"]
    return await fetch_page(db, RouteRow, statements, (tenant_id,), limit, offset)


async def fetch_confirmed_mail_targets(
    db: Db, tenant_id: TenantId
) -> tuple[bytes, ...]:
    """Fetch the targets of mail routes that were confirmed, encrypted, by name."""
    rows = await db.fetch(_SQL["fetch_confirmed_mail_targets"], tenant_id)
    return tuple(row["target"] for row in rows)


async def count_routes(db: Db, tenant_id: TenantId) -> int:
    """Count the routes of a tenant."""
    return cast("int", await db.fetchval(_SQL["count_routes"], tenant_id))


async def switch_route(
    db: Db, tenant_id: TenantId, route_id: RouteId, *, enabled: bool
) -> RouteRow | None:
    """Switch a route on or off; None if there is none."""
    row = await db.fetchrow(_SQL["switch_route"], tenant_id, route_id, enabled)
    return None if row is None else build_row(RouteRow, row)


async def replace_target(
    db: Db, tenant_id: TenantId, route_id: RouteId, target: bytes
) -> None:
    """Store a route's new target, encrypted; the platform has told where it is now."""
    await db.execute(_SQL["replace_target"], tenant_id, route_id, target)


async def delete_route(db: Db, tenant_id: TenantId, route_id: RouteId) -> bool:
    """Delete a route; False if there is none."""
    return await db.fetchval(_SQL["delete_route"], tenant_id, route_id) is not None


async def count_confirmations(
    db: Connection, tenant_id: TenantId, route_id: RouteId, address: str, at: datetime
) -> ConfirmationCounts:
    """Count the links that were asked for; other counts wait for the transaction."""
    address_hash = _hash_address(address)
    await db.execute(_SQL["lock_address"], address_hash)
    await db.execute(_SQL["delete_old_confirmation_mails"], at - DAY)
    row = await db.fetchrow(
        _SQL["fetch_confirmation_counts"], tenant_id, route_id, address_hash, at
    )
    return build_row(ConfirmationCounts, cast("asyncpg.Record", row))


async def insert_confirmation_mail(
    db: Connection, tenant_id: TenantId, route_id: RouteId, address: str, at: datetime
) -> None:
    """Count a link that is asked for."""
    await db.execute(
        _SQL["insert_confirmation_mail"],
        tenant_id,
        route_id,
        _hash_address(address),
        at,
    )


async def renew_confirmation(
    db: Connection,
    tenant_id: TenantId,
    route_id: RouteId,
    confirmation: Confirmation,
) -> RouteRow | None:
    """Have a new link mailed; None where the route is confirmed or gone."""
    row = await db.fetchrow(
        _SQL["renew_confirmation"], tenant_id, route_id, *_columns(confirmation)
    )
    return None if row is None else build_row(RouteRow, row)


async def claim_confirmation(db: Db, at: datetime) -> PendingConfirmation | None:
    """Claim the next link to be mailed; None while there is none."""
    row = await db.fetchrow(_SQL["claim_confirmation"], at)
    return None if row is None else build_row(PendingConfirmation, row)


async def return_confirmation(
    db: Db,
    pending: PendingConfirmation,
    token: bytes | None,
    due_at: datetime,
    error: str,
) -> None:
    """Store why a link was not mailed; with its token, to be mailed again."""
    await db.execute(
        _SQL["return_confirmation"],
        pending.tenant_id,
        pending.id,
        pending.hash,
        token,
        due_at,
        error,
    )


async def fetch_confirmation(
    db: Db, token: str, at: datetime
) -> OpenConfirmation | None:
    """Fetch what a link confirms; None if it is used, expired or unknown."""
    row = await db.fetchrow(_SQL["fetch_confirmation"], hash_token(token), at)
    return None if row is None else build_row(OpenConfirmation, row)


async def confirm_route(db: Db, token: str, at: datetime) -> bool:
    """Confirm the route of a link; False if it is used, expired or unknown."""
    return await db.fetchrow(_SQL["confirm_route"], hash_token(token), at) is not None


def _columns(confirmation: Confirmation | None) -> tuple[object, ...]:
    if confirmation is None:
        return (None, None, None, None)
    expires_at = confirmation.at + CONFIRMATION_TERM
    return confirmation.hash, confirmation.token, expires_at, confirmation.at


def _hash_address(address: str) -> bytes:
    """Return what counts an address, however its letters are written."""
    return hashlib.sha256(address.lower().encode()).digest()
