"""Users in the database."""

import asyncio
from uuid import uuid4

import pytest

from persistence.database import Pool
from persistence.errors import DuplicateRowError
from persistence.ids import UserId
from persistence.tenants import create_tenant
from persistence.users import (
    create_user,
    fetch_user,
    fetch_user_by_username,
    replace_password_hash,
    set_user_active,
)


async def test_a_user_is_found_by_id_and_name(pool: Pool) -> None:
    tenant = await create_tenant(pool, "shop")
    user = await create_user(pool, tenant.id, "sara", "a hash", is_superuser=True)
    assert user.is_superuser
    assert user.is_active
    assert await fetch_user(pool, user.id) == user
    assert await fetch_user_by_username(pool, "sara") == user
    assert "a hash" not in repr(user)


async def test_an_unknown_user_is_none(pool: Pool) -> None:
    assert await fetch_user(pool, UserId(uuid4())) is None
    assert await fetch_user_by_username(pool, "nobody") is None


async def test_one_name_is_given_once_even_to_two_at_a_time(pool: Pool) -> None:
    tenant = await create_tenant(pool, "shop")
    results = await asyncio.gather(
        *(create_user(pool, tenant.id, "sara", "x") for _ in range(2)),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, DuplicateRowError)]
    assert len(refused) == 1
    with pytest.raises(DuplicateRowError, match="username: 'sara' is taken"):
        raise refused[0]


async def test_a_user_can_be_shut_out_and_given_another_hash(pool: Pool) -> None:
    tenant = await create_tenant(pool, "shop")
    user = await create_user(pool, tenant.id, "sara", "old")
    await set_user_active(pool, user.id, is_active=False)
    assert await replace_password_hash(pool, user.id, "old", "new")
    changed = await fetch_user(pool, user.id)
    assert changed is not None
    assert not changed.is_active
    assert changed.password_hash == "new"


async def test_a_hash_that_was_changed_meanwhile_is_not_replaced(pool: Pool) -> None:
    tenant = await create_tenant(pool, "shop")
    user = await create_user(pool, tenant.id, "sara", "of another password")
    assert not await replace_password_hash(pool, user.id, "old", "new")
    kept = await fetch_user(pool, user.id)
    assert kept is not None
    assert kept.password_hash == "of another password"
