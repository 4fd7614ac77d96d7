"""The runtime's own parts and the platforms are monitored like any service."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from actors.clock import SystemClock
from actors.conversation.errors import SendRefusedError
from actors.conversation.ports import OutgoingPart
from actors.conversation.state import Source
from config.settings import Settings
from deployments.integrations.sender import PLATFORM_AWAY, ChannelSender
from persistence.channels import (
    Channel,
    ChannelEdit,
    ChannelKind,
    ChannelTokens,
    NewChannel,
    create_channel,
    edit_channel,
)
from persistence.database import Pool
from persistence.ids import SendId, TenantId
from persistence.services import ensure_self_services, is_platform_away
from persistence.tenants import create_tenant
from persistence.users import create_user
from tests.support.api import SECRET
from tests.support.monitors import CIPHER, watching
from tests.support.servers.graph_server import GraphServer
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    answer,
    misbehaving_server,
    reset,
)

SLOT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWN = "http://127.0.0.1:8000"
PARTS = ("database", "redis")


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


async def link(pool: Pool, url: str) -> None:
    async with pool.acquire() as db, db.transaction():
        platforms = {ChannelKind.INSTAGRAM: url}
        await ensure_self_services(db, OWN, PARTS, platforms)
    await pool.execute("UPDATE services SET enabled_at = '2000-01-01'")


async def add_channel(pool: Pool, tenant_id: TenantId, account: str) -> Channel:
    tokens = ChannelTokens("the token", None)
    new = NewChannel(ChannelKind.INSTAGRAM, "insta", account, tokens)
    async with pool.acquire() as db, db.transaction():
        return await create_channel(db, CIPHER, tenant_id, new)


async def test_each_channel_has_its_platform_watched_while_it_is_not_paused(
    pool: Pool, tenant_id: TenantId
) -> None:
    channel = await add_channel(pool, tenant_id, "1")
    for _ in range(2):
        await link(pool, "https://graph.example.com")
    row = await pool.fetchrow("SELECT * FROM services")
    assert row is not None
    assert (row["origin"], row["channel_id"]) == ("platform", channel.id)
    assert row["enabled"]
    async with pool.acquire() as db, db.transaction():
        paused = ChannelEdit(is_paused=True)
        await edit_channel(db, CIPHER, tenant_id, channel.id, paused)
    await link(pool, "https://graph.example.com")
    assert await pool.fetchval("SELECT enabled FROM services") is False
    assert await pool.fetchval("SELECT count(*) FROM service_states") == 1


async def test_administrators_see_the_runtimes_own_parts(
    pool: Pool, tenant_id: TenantId
) -> None:
    other = await create_tenant(pool, "other")
    await create_user(pool, other.id, "root", "none", is_superuser=True)
    await create_user(pool, tenant_id, "sara", "none")
    for _ in range(2):
        await link(pool, "https://graph.example.com")
    rows = await pool.fetch("SELECT tenant_id, name FROM services ORDER BY name")
    assert {row["tenant_id"] for row in rows} == {other.id}
    assert [row["name"] for row in rows] == sorted(f"Pilito: {part}" for part in PARTS)


async def test_a_channel_whose_platform_is_down_waits_and_goes_on_by_itself(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    down = await add_channel(pool, tenant_id, "1")
    http.on("/", reset)
    await link(pool, http.url)
    other = await add_channel(pool, tenant_id, "2")
    with GraphServer() as graph:
        settings = Settings(secret_key=SecretStr(SECRET), instagram_graph_url=graph.url)
        sender = ChannelSender(pool, CIPHER, settings)
        async with watching(pool, clock=SystemClock()) as watch:
            for minute in range(2):
                await watch.run_slot(SLOT + timedelta(minutes=minute))
            with pytest.raises(SendRefusedError, match=PLATFORM_AWAY) as refusal:
                await sender.send(build_part(down))
            # Held is no failed attempt, and the other channel is not concerned.
            assert refusal.value.is_held
            assert await sender.send(build_part(other))
            http.on("/", answer(400))
            await watch.run_slot(SLOT + timedelta(minutes=2))
            assert await sender.send(build_part(down))
        await sender.stop()


async def test_a_monitor_that_stopped_long_ago_holds_nothing_back(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    channel = await add_channel(pool, tenant_id, "1")
    http.on("/", reset)
    await link(pool, http.url)
    async with watching(pool) as watch:
        for minute in range(2):
            await watch.run_slot(SLOT + timedelta(minutes=minute))
    assert await is_platform_away(pool, channel.id)
    await pool.execute(
        "UPDATE service_states SET latest_checked_at = now() - interval '2 hours'"
    )
    assert not await is_platform_away(pool, channel.id)


def build_part(channel: Channel) -> OutgoingPart:
    return OutgoingPart(
        send_id=SendId(channel.id),
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.INSTAGRAM,
        customer="customer",
        content="سلام",
    )
