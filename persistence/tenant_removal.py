"""Deletes a tenant: the doors first, then the rows of every table, in steps."""

from collections.abc import AsyncIterator, Sequence
from typing import cast

import asyncpg

from persistence.database import Connection, Db, Pool
from persistence.ids import TenantId
from persistence.queries import load_queries

_SQL = load_queries("tenant_removal")
#: PostgreSQL's channel on which replicas hear that a tenant is gone.
TENANTS_CHANNEL = "pilito_tenants"
#: Rows of one statement.
STEP = 5000


async def close_tenant(db: Connection, tenant_id: TenantId) -> tuple[str, ...]:
    """Remove users and channels; return the users' names.

    The caller owns the transaction. From its commit on nobody signs in, and nothing
    comes in or goes out.
    """
    users = await db.fetch(_SQL["close_users"], tenant_id)
    for row in await db.fetch(_SQL["close_channels"], tenant_id):
        await db.execute(_SQL["notify_channels"], row["id"])
    return tuple(row["username"] for row in users)


async def delete_tenant_rows(
    pool: Pool, tenant_id: TenantId
) -> AsyncIterator[tuple[str, int]]:
    """Delete the tenant's rows of all tables; yield each table and how many went.

    Tables that others refer to without a cascade come later: a refused one is tried
    again behind the others.
    """
    rows = await pool.fetch(_SQL["fetch_tables"])
    waiting = [row["name"] for row in rows]
    while waiting:
        refused: list[str] = []
        for table in waiting:
            try:
                count = await _delete_all(pool, table, tenant_id)
            except asyncpg.ForeignKeyViolationError:
                if len(waiting) == 1 or len(refused) == len(waiting) - 1:
                    raise
                refused.append(table)
            else:
                if count:
                    yield table, count
        waiting = refused


async def delete_tenant(
    db: Connection, tenant_id: TenantId, users: Sequence[str]
) -> None:
    """Delete the tenant itself, and the names of its users in the flags' history."""
    await db.execute(_SQL["forget_author"], list(users))
    await db.execute(_SQL["delete_tenant"], tenant_id)
    await db.execute(_SQL["notify_removed"], tenant_id)


async def _delete_all(db: Db, table: str, tenant_id: TenantId) -> int:
    total = 0
    while True:
        count = cast(
            "int", await db.fetchval(_SQL["delete_rows"], table, tenant_id, STEP)
        )
        total += count
        if count < STEP:
            return total
