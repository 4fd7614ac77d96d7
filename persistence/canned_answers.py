"""Stores the canned answers of tenants."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import uuid4

import asyncpg

from persistence.database import Db
from persistence.errors import DuplicateRowError
from persistence.ids import CannedAnswerId, TenantId
from persistence.queries import build_row, fetch_page, load_queries

_SQL = load_queries("canned_answers")
TAKEN = "shortcut: there is a canned answer with this shortcut already"


@dataclass(frozen=True, slots=True)
class Shortcut:
    """The letters by which an answer is found, as written and as compared."""

    text: str
    folded: str


@dataclass(frozen=True, slots=True)
class CannedAnswer:
    """An answer in words that stand ready."""

    id: CannedAnswerId
    shortcut: str
    title: str
    body: str
    updated_at: datetime


async def fetch_canned_answers_page(
    db: Db, tenant_id: TenantId, limit: int, offset: int
) -> tuple[int, tuple[CannedAnswer, ...]]:
    """Fetch a page by shortcut, and how many there are."""
    statements = (_SQL["fetch_canned_answers"], _SQL["count_canned_answers"])
    return await fetch_page(db, CannedAnswer, statements, (tenant_id,), limit, offset)


async def count_canned_answers(db: Db, tenant_id: TenantId) -> int:
    """Count the tenant's canned answers."""
    return cast("int", await db.fetchval(_SQL["count_canned_answers"], tenant_id))


async def fetch_canned_answer(
    db: Db, tenant_id: TenantId, answer_id: CannedAnswerId
) -> CannedAnswer | None:
    """Fetch one; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_canned_answer"], tenant_id, answer_id)
    return None if row is None else build_row(CannedAnswer, row)


async def create_canned_answer(
    db: Db,
    tenant_id: TenantId,
    shortcut: Shortcut,
    *,
    title: str,
    body: str,
    at: datetime,
) -> CannedAnswer:
    """Create one. Raises DuplicateRowError when the shortcut is taken."""
    row = await db.fetchrow(
        _SQL["insert_canned_answer"],
        uuid4(),
        tenant_id,
        shortcut.text,
        shortcut.folded,
        title,
        body,
        at,
    )
    if row is None:
        raise DuplicateRowError(TAKEN)
    return build_row(CannedAnswer, row)


async def update_canned_answer(
    db: Db,
    tenant_id: TenantId,
    answer_id: CannedAnswerId,
    *,
    shortcut: Shortcut | None,
    title: str | None,
    body: str | None,
    at: datetime,
) -> CannedAnswer | None:
    """Change one; None leaves a field as it is, and is returned where there is none.

    Raises:
        DuplicateRowError: the shortcut is taken.
    """
    try:
        row = await db.fetchrow(
            _SQL["update_canned_answer"],
            tenant_id,
            answer_id,
            None if shortcut is None else shortcut.text,
            None if shortcut is None else shortcut.folded,
            title,
            body,
            at,
        )
    except asyncpg.UniqueViolationError as error:
        raise DuplicateRowError(TAKEN) from error
    return None if row is None else build_row(CannedAnswer, row)


async def delete_canned_answer(
    db: Db, tenant_id: TenantId, answer_id: CannedAnswerId
) -> bool:
    """Delete one; False if there is none."""
    deleted = await db.fetchval(_SQL["delete_canned_answer"], tenant_id, answer_id)
    return deleted is not None
