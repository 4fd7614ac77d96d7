"""Maintenance windows, in which the answers of services count for nothing."""

from datetime import datetime
from typing import cast
from uuid import uuid4

import asyncpg

from persistence.database import Db
from persistence.ids import ServiceId, TenantId, WindowId
from persistence.monitor import WindowRow
from persistence.queries import load_queries

_SQL = load_queries("maintenance")


async def create_window(
    db: Db,
    tenant_id: TenantId,
    service_id: ServiceId | None,
    span: tuple[datetime, datetime],
    reason: str,
) -> WindowRow | None:
    """Create a window; None when the service is not this tenant's."""
    row = await db.fetchrow(
        _SQL["insert_window"], uuid4(), tenant_id, service_id, *span, reason
    )
    return None if row is None else _window(row)


async def fetch_windows_page(
    db: Db, tenant_id: TenantId, service_id: ServiceId | None, limit: int, offset: int
) -> tuple[int, tuple[WindowRow, ...]]:
    """Fetch a page of windows and how many there are in all."""
    rows = await db.fetch(
        _SQL["fetch_windows_page"], tenant_id, service_id, limit, offset
    )
    total = await db.fetchval(_SQL["count_windows"], tenant_id, service_id)
    return cast("int", total), tuple(_window(row) for row in rows)


async def delete_window(db: Db, tenant_id: TenantId, window_id: WindowId) -> bool:
    """Delete a window; False if there is none."""
    return await db.fetchval(_SQL["delete_window"], tenant_id, window_id) is not None


def _window(row: asyncpg.Record) -> WindowRow:
    return WindowRow(
        id=WindowId(row["id"]),
        tenant_id=TenantId(row["tenant_id"]),
        service_id=row["service_id"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        reason=row["reason"],
        created_at=row["created_at"],
    )
