"""Channels in the database, and their secrets at rest."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from persistence.channels import (
    Channel,
    ChannelEdit,
    ChannelInUseError,
    ChannelKind,
    ChannelTokens,
    NewChannel,
    create_channel,
    decrypt_tokens,
    edit_channel,
    fetch_channel,
    fetch_channel_by_account,
    fetch_tenant_channel,
    remove_channel,
)
from persistence.database import Pool
from persistence.errors import DuplicateRowError, SecretUnreadableError
from persistence.ids import ChannelId, TenantId
from persistence.secrets import Cipher, derive_key
from persistence.tenants import create_tenant
from tests.support.waiting import time_limit

CIPHER = Cipher("a key")
TOKENS = ChannelTokens("token", "secret")


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


async def add(pool: Pool, tenant_id: TenantId, account_id: str) -> Channel:
    new = NewChannel(ChannelKind.TELEGRAM, "bot", account_id, TOKENS, is_proven=True)
    async with pool.acquire() as connection:
        return await create_channel(connection, CIPHER, tenant_id, new)


async def test_a_channel_is_found_by_id_and_account(
    pool: Pool, tenant_id: TenantId
) -> None:
    channel = await add(pool, tenant_id, "1")
    assert await fetch_channel(pool, channel.id) == channel
    assert await fetch_channel_by_account(pool, ChannelKind.TELEGRAM, "1") == channel
    assert await fetch_channel_by_account(pool, ChannelKind.INSTAGRAM, "1") is None
    assert await fetch_tenant_channel(pool, tenant_id, channel.id) == channel
    assert await fetch_tenant_channel(pool, TenantId(uuid4()), channel.id) is None


async def test_secrets_are_read_with_their_key_only(
    pool: Pool, tenant_id: TenantId
) -> None:
    channel = await add(pool, tenant_id, "1")
    stored = await fetch_channel(pool, channel.id)
    assert stored is not None
    assert decrypt_tokens(CIPHER, stored) == TOKENS
    with pytest.raises(SecretUnreadableError):
        decrypt_tokens(Cipher("another key"), stored)
    assert await fetch_channel(pool, ChannelId(uuid4())) is None
    assert "token" not in repr(TOKENS).replace("ChannelTokens", "")


async def test_an_edit_that_came_too_late_is_a_duplicate_and_not_a_crash(
    pool: Pool, tenant_id: TenantId, dsn: str
) -> None:
    first = await add(pool, tenant_id, "1")
    # Another transaction connects account 2, and commits while the edit waits for it.
    other = await asyncpg.connect(dsn)
    pending = other.transaction()
    await pending.start()
    await other.execute(
        "INSERT INTO channels (id, tenant_id, kind, name, account_id, proven_at)"
        " VALUES ($1, $2, 'telegram', 'x', '2', now())",
        uuid4(),
        tenant_id,
    )
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        pid = connection.get_server_pid()
        edit = asyncio.create_task(
            edit_channel(
                connection, CIPHER, tenant_id, first.id, ChannelEdit(account_id="2")
            )
        )
        # Each look is a round trip, in which the edit goes on until it must wait.
        waits = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
        async with time_limit(lambda: "the edit waits for no lock"):
            while not await other.fetchval(waits, pid):
                pass
        await pending.commit()
        with pytest.raises(DuplicateRowError):
            await edit
        await transaction.rollback()
    await other.close()


async def test_nothing_changes_for_another_tenant(
    pool: Pool, tenant_id: TenantId
) -> None:
    channel = await add(pool, tenant_id, "1")
    stranger = (await create_tenant(pool, "other")).id
    async with pool.acquire() as connection:
        edit = ChannelEdit(name="mine")
        assert (
            await edit_channel(connection, CIPHER, stranger, channel.id, edit) is None
        )
        assert not await remove_channel(connection, stranger, channel.id)
    assert await fetch_channel(pool, channel.id) == channel


async def test_a_used_channel_stays(pool: Pool, tenant_id: TenantId) -> None:
    channel = await add(pool, tenant_id, "1")
    customer_id, conversation_id = uuid4(), uuid4()
    await pool.execute(
        "INSERT INTO customers (id, tenant_id, channel_id, platform_id, created_at)"
        " VALUES ($1, $2, $3, 'sara', now())",
        customer_id,
        tenant_id,
        channel.id,
    )
    await pool.execute(
        "INSERT INTO conversations (id, tenant_id, channel_id, customer_id, source,"
        " slot, version, state, status, needs_operator, created_at, updated_at) VALUES"
        " ($1, $2, $3, $4, 'telegram', 0, 1, '{}', 'active', false, now(), now())",
        conversation_id,
        tenant_id,
        channel.id,
        customer_id,
    )
    async with pool.acquire() as connection:
        with pytest.raises(ChannelInUseError):
            await remove_channel(connection, tenant_id, channel.id)
    assert await fetch_channel(pool, channel.id) == channel


def test_each_purpose_has_a_key_of_its_own() -> None:
    keys = {derive_key("a key", purpose) for purpose in ("secrets", "tokens")}
    assert len(keys) == 2
    assert all(len(key) == 32 for key in keys)


def test_the_same_secret_looks_different_each_time() -> None:
    assert CIPHER.encrypt(b"x") != CIPHER.encrypt(b"x")
    assert CIPHER.decrypt(CIPHER.encrypt(b"x")) == b"x"
