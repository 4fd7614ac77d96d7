"""Tenants in the database."""

from uuid import uuid4

import pytest

from persistence.database import Pool
from persistence.errors import DuplicateRowError
from persistence.ids import TenantId
from persistence.tenants import create_tenant, fetch_tenant, fetch_tenant_by_name


async def test_a_tenant_is_found_by_id_and_name(pool: Pool) -> None:
    tenant = await create_tenant(pool, "فروشگاه")
    assert tenant.language == "fa"
    assert await fetch_tenant(pool, tenant.id) == tenant
    assert await fetch_tenant_by_name(pool, "فروشگاه") == tenant


async def test_an_unknown_tenant_is_none(pool: Pool) -> None:
    assert await fetch_tenant(pool, TenantId(uuid4())) is None
    assert await fetch_tenant_by_name(pool, "nobody") is None


async def test_a_taken_name_leaves_the_transaction_usable(pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        tenant = await create_tenant(connection, "shop")
        with pytest.raises(DuplicateRowError, match="name: "):
            await create_tenant(connection, "shop")
        assert await fetch_tenant(connection, tenant.id) == tenant
