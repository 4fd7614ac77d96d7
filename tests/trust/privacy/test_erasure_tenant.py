"""A deleted tenant leaves nothing behind, and nobody else loses anything (H7)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from actors.clock import SystemClock
from actors.conversation.errors import InvalidEventError, UnknownConversationError
from actors.conversation.shard.housekeeping import ShardHousekeeping
from deployments.commands.cli import app as cli
from deployments.commands.erasing import NotFoundError, delete_tenant, erase_customer
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.erasure import KeyedHash
from persistence.ids import CustomerId, TenantId, derive_customer_id
from persistence.users import User
from tests.support.api import SECRET, Api, add_channel, connect, write_as_customer
from tests.support.conversation.tables import count_rows, dump_tables, find

HASH = KeyedHash((SECRET,))
WORDS = "واژه‌ی فراموش‌شدنی"
#: What the API of this test does not reach; of each tenant one row.
MORE = """
INSERT INTO digests (id, tenant_id, period_start, period_end, summary_text)
    VALUES (gen_random_uuid(), $1, now(), now(), $2);
INSERT INTO alerts (id, tenant_id, kind, text, created_at)
    VALUES (gen_random_uuid(), $1, 'down', $2, now());
INSERT INTO anomalies (id, tenant_id, started_at, ended_at, score, feature)
    VALUES (gen_random_uuid(), $1, now(), now(), 1, $2);
INSERT INTO query_routing (tenant_id, intents) VALUES ($1, to_jsonb($2::text));
INSERT INTO alert_routes (id, tenant_id, kind, name, target)
    VALUES (gen_random_uuid(), $1, 'webhook', $2, '');
INSERT INTO flag_changes (name, at, author)
    SELECT 'a_flag', now(), username FROM users WHERE tenant_id = $1 AND $2 <> ''
"""


class Town:
    """Two shops with the same things in them."""

    def __init__(self, api: Api, app: FastAPI) -> None:
        self.api, self.app = api, app
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}

    async def open_shop(self, name: str) -> None:
        """Open a shop that has something in every table."""
        user = self.users[name] = await self.api.add_user(name)
        channel = await add_channel(self.app, user.tenant_id, account_id=f"key-{name}")
        self.channels[name] = channel
        for n in range(3):
            await write_as_customer(self.api, channel, f"{name}-{n}", WORDS)
        async with connect(self.app, user) as client:
            document = {"source_type": "manual", "title": WORDS, "text": WORDS}
            answer = await client.post("/api/knowledge/documents/", json=document)
            assert answer.status_code == 201, answer.text
            service = {"name": WORDS, "base_url": "https://shop.example"}
            answer = await client.post("/api/monitor/services/", json=service)
            assert answer.status_code == 201, answer.text
        for statement in MORE.split(";"):
            await self.api.pool.execute(statement, user.tenant_id, WORDS)

    async def tables_of(self, tenant_id: TenantId) -> dict[str, str]:
        """Return the lines of each table that name the tenant."""
        dump = await dump_tables(self.api.pool)
        return {
            table: "\n".join(lines)
            for table, text in dump.items()
            if (lines := [line for line in text.splitlines() if str(tenant_id) in line])
        }


@pytest.fixture
async def town(api: Api, app: FastAPI) -> Town:
    town = Town(api, app)
    await town.open_shop("goner")
    await town.open_shop("stayer")
    return town


@pytest.fixture
async def upkeep(api: Api) -> AsyncIterator[None]:
    """What a running shard does beside its inbox."""
    housekeeping = ShardHousekeeping(
        api.pool, 0, 1, api.shards.shard.submit, SystemClock()
    )
    task = asyncio.create_task(housekeeping.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def check_deletion(town: Town, dsn: str, patience_s: float) -> list[str]:
    """Delete one of the shops; return what was said."""
    goner, stayer = town.users["goner"], town.users["stayer"]
    kept = await town.tables_of(stayer.tenant_id)
    customers = [
        str(derive_customer_id(town.channels["goner"].id, f"goner-{n}"))
        for n in range(3)
    ]
    assert "customers" in kept
    said: list[str] = []
    await delete_tenant(dsn, HASH, "goner", said.append, patience_s)

    for table, text in (await dump_tables(town.api.pool)).items():
        gone = [str(goner.tenant_id), str(goner.id), "goner", *customers]
        assert find(gone, text) == [], table
    assert await town.tables_of(stayer.tenant_id) == kept
    return said


@pytest.mark.usefixtures("upkeep")
async def test_trust_h7_a_deleted_tenant_leaves_no_row_beside_a_running_shard(
    town: Town, dsn: str
) -> None:
    said = await check_deletion(town, dsn, 30)
    assert "customers: 3 of 3 erased" in said
    assert "no runtime answers: erasing from here" not in said
    # The shard has nothing in its memory that it could write back.
    with pytest.raises((InvalidEventError, UnknownConversationError)):
        await write_as_customer(
            town.api, town.channels["goner"], "goner-1", "باز", "m2"
        )
    assert await count_rows(town.api.pool, "customers") == 3


async def test_trust_h7_a_deleted_tenant_leaves_no_row_without_a_runtime(
    town: Town, dsn: str
) -> None:
    await town.api.shards.shard.stop()
    said = await check_deletion(town, dsn, 0.5)
    assert "no runtime answers: erasing from here" in said


@pytest.mark.usefixtures("upkeep")
async def test_trust_h7_a_customer_is_erased_from_the_command_line(
    town: Town, dsn: str
) -> None:
    customer = derive_customer_id(town.channels["goner"].id, "goner-1")
    said: list[str] = []
    await erase_customer(dsn, HASH, customer, said.append, 30)
    assert said[-1] == f"erased customer {customer}"
    dump = "\n".join((await dump_tables(town.api.pool)).values())
    assert find(["goner-1", str(customer)], dump) == []
    assert "goner-2" in dump


async def test_trust_h7_what_is_not_there_is_said_plainly(dsn: str) -> None:
    nobody = CustomerId(UUID(int=1))
    with pytest.raises(NotFoundError, match="there is no customer"):
        await erase_customer(dsn, HASH, nobody, print, 0.1)
    with pytest.raises(NotFoundError, match="there is no tenant called 'nobody'"):
        await delete_tenant(dsn, HASH, "nobody", print, 0.1)


def test_trust_h7_a_tenant_is_not_deleted_by_a_slip() -> None:
    result = CliRunner().invoke(cli, ["delete-tenant", "shop"], input="shap\n")
    assert result.exit_code == 1
    assert "nothing was deleted" in result.output
    result = CliRunner().invoke(cli, ["erase-customer", str(uuid4())], input="n\n")
    assert result.exit_code == 1


async def test_trust_h7_a_channels_token_is_forgotten_and_its_history_stays(
    town: Town, pool: Pool
) -> None:
    user = town.users["goner"]
    channel = await add_channel(
        town.app, user.tenant_id, ChannelKind.INSTAGRAM, "17841"
    )
    await write_as_customer(town.api, channel, "sara", WORDS)
    path = f"/api/channels/{channel.id}/"
    async with connect(town.app, user) as client:
        # It has conversations, so it can't be deleted.
        assert (await client.delete(path)).status_code == 409
        assert (await client.get(path)).json()["token_hint"]
        answer = await client.post(f"{path}disconnect/")
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert shown["token_hint"] is None
        assert shown["is_paused"] is True
        assert (await client.get(path)).json() == shown
        # A second time changes nothing.
        assert (await client.post(f"{path}disconnect/")).json() == shown
    async with connect(town.app, town.users["stayer"]) as stranger:
        assert (await stranger.post(f"{path}disconnect/")).status_code == 404
    row = await pool.fetchrow("SELECT * FROM channels WHERE id = $1", channel.id)
    assert row is not None
    assert row["access_token"] is None
    count = "SELECT count(*) FROM conversations WHERE channel_id = $1"
    assert await pool.fetchval(count, channel.id) == 1


async def test_trust_h7_a_deleted_document_keeps_no_words(
    town: Town, pool: Pool
) -> None:
    async with connect(town.app, town.users["goner"]) as client:
        document = {
            "source_type": "website",
            "title": "عنوانِ پاک‌شدنی",
            "text": "متن",
            "url": "https://shop.example/gone",
            "tags": ["برچسبِ پاک‌شدنی"],
        }
        path = "/api/knowledge/documents/"
        created = (await client.post(path, json=document)).json()
        assert (await client.delete(f"{path}{created['id']}/")).status_code == 204
    dump = (await dump_tables(pool))["documents"]
    assert find(["پاک‌شدنی", "shop.example/gone"], dump) == []
    assert created["id"] in dump
