"""`pilito erase-customer` and `pilito delete-tenant`: what must go, goes.

The shards of a running runtime hold the conversations in memory, so they are asked, by
rows in the database. If nothing is done about these within seconds, no runtime works on
this database: then the shards are fenced, and the rows are erased from here.
"""

import asyncio
from collections.abc import Callable
from uuid import uuid4

from actors.clock import SystemClock
from persistence import erasure, tenant_removal, tenants
from persistence.database import Pool, open_pool
from persistence.erasure import Erasure, KeyedHash
from persistence.errors import PersistenceError
from persistence.ids import CustomerId, EventId, TenantId
from persistence.journal import fence_all

#: A shard looks every two seconds, and a busy one takes some more.
PATIENCE_S = 12.0
POLL_S = 0.25
#: Conversations that are erased between two looks at how many are left.
PAGE = 100

Say = Callable[[str], None]


class NotFoundError(PersistenceError):
    """There is nothing of that name or id."""


async def erase_customer(
    dsn: str,
    keyed_hash: KeyedHash,
    customer_id: CustomerId,
    say: Say,
    patience_s: float = PATIENCE_S,
) -> None:
    """Erase a customer of any tenant. Raises NotFoundError if there is none."""
    pool = await open_pool(dsn, max_size=1)
    try:
        tenant_id = await erasure.fetch_customer_tenant(pool, customer_id)
        if tenant_id is None:
            message = f"there is no customer {customer_id}"
            raise NotFoundError(message)
        await erasure.request_erasure(pool, tenant_id, customer_id)
        await _have_erased(pool, keyed_hash, tenant_id, say, patience_s)
    finally:
        await pool.close()
    say(f"erased customer {customer_id}")


async def delete_tenant(
    dsn: str,
    keyed_hash: KeyedHash,
    name: str,
    say: Say,
    patience_s: float = PATIENCE_S,
) -> None:
    """Delete a tenant with everything. Raises NotFoundError if there is none."""
    pool = await open_pool(dsn, max_size=1)
    try:
        tenant = await tenants.fetch_tenant_by_name(pool, name)
        if tenant is None:
            message = f"there is no tenant called {name!r}"
            raise NotFoundError(message)
        async with pool.acquire() as connection, connection.transaction():
            users = await tenant_removal.close_tenant(connection, tenant.id)
        say(f"closed: {len(users)} users can't sign in, no channel delivers any more")
        await erasure.request_tenant_erasures(pool, tenant.id)
        await _have_erased(pool, keyed_hash, tenant.id, say, patience_s)
        async for table, count in tenant_removal.delete_tenant_rows(pool, tenant.id):
            say(f"{table}: {count} rows deleted")
        async with pool.acquire() as connection, connection.transaction():
            await tenant_removal.delete_tenant(connection, tenant.id, users)
    finally:
        await pool.close()
    say(f"deleted tenant {name}")


async def _have_erased(
    pool: Pool, keyed_hash: KeyedHash, tenant_id: TenantId, say: Say, patience_s: float
) -> None:
    """Wait until the shards have erased what they were asked to, or do so here."""
    total = left = await erasure.count_requests(pool, tenant_id)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    while left and loop.time() < deadline:
        await asyncio.sleep(POLL_S)
        now_left = await erasure.count_requests(pool, tenant_id)
        if now_left < left:
            left, deadline = now_left, loop.time() + patience_s
            say(f"customers: {total - left} of {total} erased")
    if left:
        say("no runtime answers: erasing from here")
        async with pool.acquire() as connection, connection.transaction():
            # One that only hangs must not write its states back.
            await fence_all(connection)
    while left:
        left -= await _erase_page(pool, keyed_hash, tenant_id)
        say(f"customers: {total - left} of {total} erased")


async def _erase_page(pool: Pool, keyed_hash: KeyedHash, tenant_id: TenantId) -> int:
    asked = await erasure.fetch_requested(pool, tenant_id, PAGE)
    for conversation_id, customer_id in asked:
        if customer_id is None:
            await erasure.withdraw_request(pool, conversation_id)
            continue
        found = Erasure(
            id=EventId(uuid4()),
            tenant_id=tenant_id,
            conversation_id=conversation_id,
            customer_id=customer_id,
            at=SystemClock().now(),
        )
        async with pool.acquire() as connection, connection.transaction():
            await erasure.erase_customer(connection, keyed_hash, found)
    return len(asked)
