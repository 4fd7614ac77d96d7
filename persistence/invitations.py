"""Invitations: one-time links by which a person joins a tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import uuid4

from persistence.database import Db
from persistence.ids import InvitationId, TenantId, UserId
from persistence.queries import build_row, fetch_page, load_queries
from persistence.users import Role

_SQL = load_queries("invitations")


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that waits to be accepted."""

    id: InvitationId
    tenant_id: TenantId
    invited_by: UserId
    role: Role
    note: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation to be created; `note` says for whom it is meant."""

    role: Role
    note: str
    token_hash: bytes
    created_at: datetime
    expires_at: datetime


async def create_invitation(
    db: Db, tenant_id: TenantId, invited_by: UserId, new: NewInvitation
) -> Invitation:
    """Create an invitation of the user."""
    row = await db.fetchrow(
        _SQL["insert_invitation"],
        uuid4(),
        tenant_id,
        invited_by,
        new.role,
        new.note,
        new.token_hash,
        new.created_at,
        new.expires_at,
    )
    assert row is not None  # noqa: S101 - an INSERT without a conflict gives its row
    return build_row(Invitation, row)


async def fetch_invitations_page(
    db: Db, tenant_id: TenantId, at: datetime, limit: int, offset: int
) -> tuple[int, Sequence[Invitation]]:
    """Fetch a page of the tenant's invitations, and how many there are."""
    statements = (_SQL["fetch_invitations"], _SQL["count_invitations"])
    filters = (tenant_id, at)
    return await fetch_page(db, Invitation, statements, filters, limit, offset)


async def count_invitations(db: Db, tenant_id: TenantId, at: datetime) -> int:
    """Count the tenant's invitations that have not expired."""
    return cast("int", await db.fetchval(_SQL["count_invitations"], tenant_id, at))


async def prune_invitations(db: Db, tenant_id: TenantId, at: datetime) -> None:
    """Remove the tenant's invitations that have expired."""
    await db.execute(_SQL["prune_invitations"], tenant_id, at)


async def delete_invitation(
    db: Db, tenant_id: TenantId, invitation_id: InvitationId
) -> bool:
    """Take an invitation back; False if there is none."""
    row = await db.fetchval(_SQL["delete_invitation"], tenant_id, invitation_id)
    return row is not None


async def take_invitation(db: Db, token_hash: bytes, at: datetime) -> Invitation | None:
    """Use an invitation up; None if it is used, expired, or its maker has left."""
    row = await db.fetchrow(_SQL["take_invitation"], token_hash, at)
    return None if row is None else build_row(Invitation, row)
