"""Maintenance windows, in which the answers of services count for nothing."""

from datetime import datetime
from typing import cast
from uuid import uuid4

from persistence.database import Db
from persistence.ids import ServiceId, TenantId, WindowId
from persistence.monitor import WindowRow
from persistence.queries import build_row, load_queries

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
    return None if row is None else build_row(WindowRow, row)


async def fetch_windows_page(
    db: Db, tenant_id: TenantId, service_id: ServiceId | None, limit: int, offset: int
) -> tuple[int, tuple[WindowRow, ...]]:
    """Fetch a page of windows and how many there are in all."""
    rows = await db.fetch(
        _SQL["fetch_windows_page"], tenant_id, service_id, limit, offset
    )
    total = await db.fetchval(_SQL["count_windows"], tenant_id, service_id)
    return cast("int", total), tuple(build_row(WindowRow, row) for row in rows)


async def delete_window(db: Db, tenant_id: TenantId, window_id: WindowId) -> bool:
    """Delete a window; False if there is none."""
    return await db.fetchval(_SQL["delete_window"], tenant_id, window_id) is not None
