"""The mails that workflows sent: each leaves once, and they are counted."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

import asyncpg

from persistence.database import Connection, Db
from persistence.ids import RunId, TenantId
from persistence.queries import build_row, load_queries
from persistence.tenants import lock_tenant

_SQL = load_queries("workflow_mails")
#: No step of a run is tried for so long.
MAILS_KEPT = timedelta(days=3)
#: Rows of one step of pruning.
PRUNE_ROWS = 1000


class MailState(StrEnum):
    """What is known of a step's mail."""

    #: Claimed: it leaves now, or its sender has stopped and it may have left.
    SENDING = "sending"
    SENT = "sent"
    #: It certainly did not leave.
    RETURNED = "returned"


class MailClaim(StrEnum):
    """Whether a step's mail may be sent now."""

    CLAIMED = "claimed"
    #: It was sent before.
    SENT = "sent"
    #: It may have been sent before.
    UNCERTAIN = "uncertain"
    TENANT_LIMIT = "tenant_limit"
    ADDRESS_LIMIT = "address_limit"


@dataclass(frozen=True, slots=True)
class MailLimits:
    """Mails of a tenant in an hour, and to one address in a day."""

    per_tenant: int
    per_address: int


@dataclass(frozen=True, slots=True)
class _Counts:
    of_tenant: int
    to_address: int


async def claim_mail(
    db: Connection,
    tenant_id: TenantId,
    run_id: RunId,
    step: int,
    address: str,
    at: datetime,
    limits: MailLimits,
) -> MailClaim:
    """Claim a step's mail, unless it left before or is one too many.

    The caller owns the transaction; other claims of the tenant wait for its end.
    """
    address_hash = hashlib.sha256(address.lower().encode()).digest()
    await lock_tenant(db, tenant_id)
    await db.execute(_SQL["lock_address"], address_hash)
    known = await db.fetchrow(_SQL["fetch_mail"], run_id, step, tenant_id)
    if known is not None and known["state"] == MailState.SENT:
        return MailClaim.SENT
    if known is not None and known["state"] == MailState.SENDING:
        return MailClaim.UNCERTAIN
    row = await db.fetchrow(
        _SQL["fetch_mail_counts"], tenant_id, address_hash, at, run_id, step
    )
    counts = build_row(_Counts, cast("asyncpg.Record", row))
    if counts.of_tenant >= limits.per_tenant:
        return MailClaim.TENANT_LIMIT
    if counts.to_address >= limits.per_address:
        return MailClaim.ADDRESS_LIMIT
    claimed = await db.fetchval(
        _SQL["claim_mail"], run_id, step, tenant_id, address_hash, at
    )
    return MailClaim.UNCERTAIN if claimed is None else MailClaim.CLAIMED


async def settle_mail(
    db: Db, tenant_id: TenantId, run_id: RunId, step: int, state: MailState
) -> None:
    """Store how the claimed mail fared."""
    await db.execute(_SQL["settle_mail"], run_id, step, tenant_id, state)


async def prune_mails(db: Db, before: datetime) -> int:
    """Delete a step of mails that were claimed before then; return how many."""
    status = await db.execute(_SQL["prune_mails"], before, PRUNE_ROWS)
    return int(status.split()[-1])
