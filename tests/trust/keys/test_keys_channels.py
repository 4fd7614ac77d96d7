"""A channel belongs to who proves it, and nobody learns who else is here."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest

from actors.clock import SystemClock
from actors.conversation.events import CustomerWrote
from config.settings import Settings
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.channel_registration import ChannelRegistration
from deployments.integrations.webhooks import build_webhooks_app
from persistence import migrate
from persistence.channels import LinkState, fetch_tenant_channel
from persistence.database import Pool
from persistence.ids import ChannelId, TenantId
from persistence.listener import Listener
from persistence.secrets import Cipher
from persistence.users import User
from tests.support.api import SECRET, Api, connect
from tests.support.conversation.shards import RecordingShards
from tests.support.servers.graph_server import Fail, GraphServer, HangUp, Reply
from tests.support.servers.telegram_server import TOKEN as BOT_TOKEN
from tests.support.servers.telegram_server import TelegramServer
from tests.support.waiting import time_limit
from tests.support.webhooks import text_webhook

ACCOUNT = "17841400000000000"
OURS, THEIRS, WRONG = "token-of-alice", "token-of-bob", "token-of-nobody"
CLAIM = {"kind": "instagram", "name": "shop", "account_id": ACCOUNT}
BOT = {"kind": "telegram", "name": "bot", "bot_token": BOT_TOKEN}
BOT_ID = BOT_TOKEN.partition(":")[0]
OTHER_BOT = "987654321:BBH-secret_of_another_bot-abcdefghij"


@pytest.fixture
def graph() -> Iterator[GraphServer]:
    with GraphServer() as graph:
        graph.accounts = {OURS: ACCOUNT, THEIRS: ACCOUNT}
        yield graph


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer(BOT_TOKEN, OTHER_BOT) as telegram:
        yield telegram


class Callers:
    """Two tenants of one runtime, and Meta."""

    def __init__(
        self,
        alice: httpx.AsyncClient,
        bob: httpx.AsyncClient,
        directory: ChannelDirectory,
    ) -> None:
        self.alice, self.bob = alice, bob
        self.directory = directory

    async def deliver(self, mid: str) -> list[TenantId]:
        """Deliver a message to the account; return whose it became."""
        shards = RecordingShards()
        app = build_webhooks_app(Settings(), shards, self.directory, SystemClock())
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as meta:
            body = text_webhook(ACCOUNT, "900", mid, "سلام")
            answer = await meta.post("/webhooks/instagram/", content=body)
        assert answer.status_code == 200
        return [
            event.tenant_id
            for event in shards.events
            if isinstance(event, CustomerWrote)
        ]


@pytest.fixture
async def callers(
    api: Api,
    dsn: str,
    graph: GraphServer,
    telegram: TelegramServer,
    alice: User,
    bob: User,
) -> AsyncIterator[Callers]:
    api.instagram_graph_url, api.telegram_api_url = graph.url, telegram.url
    app = api.build()
    directory, listener = ChannelDirectory(api.pool), Listener(dsn)
    listener.on("pilito_channels", directory.forget)
    await listener.start()
    async with connect(app, alice) as ours, connect(app, bob) as theirs:
        yield Callers(ours, theirs, directory)
    await listener.stop()


async def claim(
    caller: httpx.AsyncClient, token: str, status: int = 201, **fields: object
) -> dict[str, Any]:
    body = {**CLAIM, "access_token": token, **fields}
    answer = await caller.post("/api/channels/", json=body)
    assert answer.status_code == status, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def unnamed(channel: Mapping[str, object]) -> dict[str, object]:
    """Leave out what differs between any two channels."""
    own = ("id", "created_at", "webhook_path", "webhook_secret", "token_hint")
    return {name: value for name, value in channel.items() if name not in own}


async def test_trust_h4_a_claim_keeps_nobody_out_and_receives_nothing(
    callers: Callers, alice: User, bob: User
) -> None:
    squatted = await claim(callers.alice, "AAAAAAAA", is_paused=True)
    assert squatted["proven_at"] is None
    assert "not proven" in squatted["connection_hint"]
    assert await callers.deliver("m1") == []
    owned = await claim(callers.bob, THEIRS)
    assert (owned["connection"], bool(owned["proven_at"])) == ("connected", True)
    assert await callers.deliver("m2") == [bob.tenant_id]
    # The claim can't be made good by a token of somebody else.
    path = f"/api/channels/{squatted['id']}/"
    resumed = await callers.alice.patch(path, json={"is_paused": False})
    assert resumed.status_code == 422
    assert await callers.deliver("m3") == [bob.tenant_id] != [alice.tenant_id]


@pytest.mark.parametrize("how", ["paused", "unreachable", "refused", "unproven"])
async def test_trust_h4_a_claim_is_answered_alike_whoever_else_is_here(
    callers: Callers, graph: GraphServer, how: str
) -> None:
    replies: dict[str, Reply] = {
        "unreachable": HangUp(),
        "refused": Fail(400, '{"error": {"message": "No permission", "code": 10}}'),
        "unproven": Fail(400, '{"error": {"message": "No such field", "code": 100}}'),
    }

    async def try_it() -> dict[str, Any]:
        graph.managed = {"GET me": replies[how]} if how in replies else {}
        claimed = await claim(callers.alice, WRONG, is_paused=how == "paused")
        graph.managed = {}
        path = f"/api/channels/{claimed['id']}/"
        assert (await callers.alice.delete(path)).status_code == 204
        return claimed

    alone = await try_it()
    assert alone["connection"] == how
    await claim(callers.bob, THEIRS)
    assert unnamed(await try_it()) == unnamed(alone)


async def test_trust_h4_a_wrong_token_is_refused_alike_whoever_else_is_here(
    callers: Callers,
) -> None:
    alone = await claim(callers.alice, WRONG, 422)
    await claim(callers.bob, THEIRS)
    assert await claim(callers.alice, WRONG, 422) == alone


async def test_trust_h4_of_two_who_prove_an_account_the_first_keeps_it(
    callers: Callers, bob: User
) -> None:
    await claim(callers.bob, THEIRS)
    refused = await claim(callers.alice, OURS, 409)
    assert "connected elsewhere in this runtime" in refused["detail"]
    assert (await callers.alice.get("/api/channels/")).json()["count"] == 0
    # The same by the way of a claim: neither its resumption nor `connect` takes over.
    paused = await claim(callers.alice, OURS, is_paused=True)
    path = f"/api/channels/{paused['id']}/"
    resumed = await callers.alice.patch(path, json={"is_paused": False})
    assert resumed.status_code == 409
    shown = (await callers.alice.get(path)).json()
    assert (shown["is_paused"], shown["proven_at"]) == (True, None)
    assert await callers.deliver("m1") == [bob.tenant_id]


async def test_trust_h4_a_proof_ends_when_its_token_is_no_longer_accepted(
    callers: Callers, graph: GraphServer, alice: User, bob: User
) -> None:
    old = await claim(callers.bob, THEIRS)
    assert await callers.deliver("m1") == [bob.tenant_id]
    del graph.accounts[THEIRS]
    new = await claim(callers.alice, OURS)
    assert new["connection"] == "connected"
    path = f"/api/channels/{old['id']}/"
    shown = (await callers.bob.get(path)).json()
    assert (shown["connection"], shown["proven_at"]) == ("refused", None)
    assert "no longer accepts the token" in shown["connection_hint"]
    # The directory hears of it; a message goes to the new owner, and to nobody else.
    async with time_limit(lambda: "the directory still knows the old owner"):
        while await callers.deliver("m2") != [alice.tenant_id]:
            pass
    again = await callers.bob.post(f"{path}connect/")
    assert again.json()["connection"] == "refused"


async def test_trust_h4_while_the_old_token_can_not_be_asked_about_it_holds(
    callers: Callers, graph: GraphServer, bob: User
) -> None:
    await claim(callers.bob, THEIRS)
    graph.unanswered = {THEIRS}
    await claim(callers.alice, OURS, 409)
    assert await callers.deliver("m1") == [bob.tenant_id]


async def test_trust_h4_two_who_prove_at_once_are_told_apart(
    callers: Callers,
) -> None:
    answers = await asyncio.gather(
        *(
            caller.post("/api/channels/", json={**CLAIM, "access_token": token})
            for caller, token in ((callers.alice, OURS), (callers.bob, THEIRS))
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_trust_h4_a_claim_is_proven_later_and_heard_of(
    callers: Callers, graph: GraphServer, alice: User
) -> None:
    graph.managed["GET me"] = HangUp()
    channel = await claim(callers.alice, OURS)
    assert (channel["connection"], channel["proven_at"]) == ("unreachable", None)
    assert await callers.deliver("m1") == []
    graph.managed.clear()
    path = f"/api/channels/{channel['id']}/"
    shown = (await callers.alice.post(f"{path}connect/")).json()
    assert (shown["connection"], bool(shown["proven_at"])) == ("connected", True)
    assert shown["connection_hint"] is None
    assert await callers.deliver("m2") == [alice.tenant_id]


async def test_trust_h4_a_paused_bot_moves_to_no_account_without_a_proof(
    callers: Callers, telegram: TelegramServer
) -> None:
    answer = await callers.alice.post("/api/channels/", json=BOT)
    path = f"/api/channels/{answer.json()['id']}/"
    await callers.alice.patch(path, json={"is_paused": True})
    asked = len(telegram.calls)
    moved = await callers.alice.patch(path, json={"bot_token": OTHER_BOT})
    assert moved.status_code == 422
    assert moved.json()["detail"].startswith("bot_token: ")
    shown = (await callers.alice.get(path)).json()
    assert (shown["account_id"], bool(shown["proven_at"])) == (BOT_ID, True)
    assert len(telegram.calls) == asked
    # The bot's own new token may wait for the end of the pause.
    renewed = {"bot_token": f"{BOT_ID}:CCC-another_secret_of_this_bot"}
    assert (await callers.alice.patch(path, json=renewed)).status_code == 200
    both = {"bot_token": OTHER_BOT, "is_paused": False}
    moved = await callers.alice.patch(path, json=both)
    assert moved.json()["account_id"] == OTHER_BOT.partition(":")[0]
    assert moved.json()["proven_at"]


async def test_trust_h4_an_update_for_a_bot_that_is_only_claimed_is_not_taken(
    callers: Callers,
) -> None:
    body = {**BOT, "is_paused": True}
    created = (await callers.alice.post("/api/channels/", json=body)).json()
    shards, cipher = RecordingShards(), Cipher(SECRET)
    app = build_webhooks_app(
        Settings(), shards, callers.directory, SystemClock(), cipher=cipher
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://x"
    ) as client:
        sent = await client.post(
            created["webhook_path"],
            json={"update_id": 1},
            headers={"X-Telegram-Bot-Api-Secret-Token": created["webhook_secret"]},
        )
    assert (sent.status_code, shards.events) == (200, [])


async def test_trust_h4_a_website_is_proven_by_its_key(callers: Callers) -> None:
    body = {"kind": "website", "name": "site"}
    site = (await callers.alice.post("/api/channels/", json=body)).json()
    assert site["proven_at"]
    assert site["connection_hint"] is None


async def test_trust_h4_what_was_connected_before_is_proven_and_the_way_back_works(
    callers: Callers, pool: Pool, dsn: str
) -> None:
    connected = await claim(callers.alice, OURS)
    claimed = await claim(callers.bob, "AAAAAAAA", is_paused=True)
    other = await claim(callers.bob, "AAAAAAAA", account_id="2", is_paused=True)
    await callers.bob.post("/api/channels/", json={"kind": "website", "name": "site"})
    await asyncio.to_thread(migrate.downgrade, dsn, "0022")
    rows = await pool.fetch("SELECT id, account_id FROM channels")
    accounts = {str(row["id"]): row["account_id"] for row in rows}
    assert len(accounts) == 4
    assert accounts[connected["id"]] == ACCOUNT
    assert accounts[claimed["id"]].startswith(f"{ACCOUNT} unproven ")
    assert accounts[other["id"]] == "2"
    await asyncio.to_thread(migrate.upgrade, dsn)
    rows = await pool.fetch("SELECT id, kind FROM channels WHERE proven_at IS NOT NULL")
    assert {row["kind"] for row in rows} == {"instagram", "website"}
    assert UUID(connected["id"]) in {row["id"] for row in rows}
    assert len(rows) == 2


async def test_trust_h4_a_token_that_was_forgotten_meanwhile_proves_nothing(
    callers: Callers, graph: GraphServer, pool: Pool, alice: User
) -> None:
    channel_id = ChannelId(UUID((await claim(callers.alice, OURS))["id"]))
    as_read = await fetch_tenant_channel(pool, alice.tenant_id, channel_id)
    assert as_read is not None
    await callers.alice.post(f"/api/channels/{channel_id}/disconnect/")
    # A request that read the channel before goes on, and the platform still knows the
    # token that it read.
    settings = Settings(instagram_graph_url=graph.url)
    registration = ChannelRegistration(pool, Cipher(SECRET), settings)
    present = await registration.connect(as_read)
    await registration.stop()
    assert "GET me" in graph.asked[-1]
    assert (present.proven_at, present.access_token) == (None, None)
    assert present.link is not None
    assert present.link.state is LinkState.PAUSED
    assert await callers.deliver("m1") == []
