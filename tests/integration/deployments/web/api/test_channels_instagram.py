"""Connecting an Instagram account, to a real server that plays the Graph API."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from persistence.database import Pool
from persistence.users import User
from tests.support.api import Api, connect
from tests.support.servers.graph_server import Fail, GraphServer, HangUp, Reply

TOKEN = "IGQVJ-secret-of-the-platform-WXYZ"
OTHER_TOKEN = "IGQVJ-secret-of-another-account"
ACCOUNT = "17841400000000000"
OTHER = "17841400000000001"
CHANNEL = {
    "kind": "instagram",
    "name": "فروشگاه",
    "account_id": ACCOUNT,
    "access_token": TOKEN,
}
ASK, SUBSCRIBE, UNSUBSCRIBE = (
    "GET me",
    "POST me/subscribed_apps",
    "DELETE me/subscribed_apps",
)


def refusal(code: int, message: str) -> Fail:
    """Build the Graph API's way of saying no."""
    return Fail(400, f'{{"error": {{"message": "{message}", "code": {code}}}}}')


@pytest.fixture
def graph() -> Iterator[GraphServer]:
    with GraphServer() as graph:
        graph.accounts = {TOKEN: ACCOUNT, OTHER_TOKEN: OTHER}
        yield graph


@pytest.fixture
async def client(
    api: Api, graph: GraphServer, alice: User
) -> AsyncIterator[httpx.AsyncClient]:
    # Without a public address: Meta has that from its console.
    api.instagram_graph_url = graph.url
    async with connect(api.build(), alice) as client:
        yield client


async def add(client: httpx.AsyncClient, **fields: object) -> dict[str, str]:
    answer = await client.post("/api/channels/", json={**CHANNEL, **fields})
    assert answer.status_code == 201, answer.text
    assert TOKEN not in answer.text
    created: dict[str, str] = answer.json()
    return created


async def test_a_new_accounts_messages_are_asked_for(
    client: httpx.AsyncClient, graph: GraphServer
) -> None:
    channel = await add(client)
    assert graph.asked == [ASK, SUBSCRIBE]
    assert graph.subscribed == {TOKEN}
    assert channel["connection"] == "connected"
    assert not channel["connection_hint"]


async def test_nobody_connects_an_account_without_its_token(
    client: httpx.AsyncClient, graph: GraphServer, pool: Pool
) -> None:
    answer = await client.post(
        "/api/channels/", json={**CHANNEL, "access_token": OTHER_TOKEN}
    )
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        f"account_id: the token belongs to another account, {OTHER}"
    )
    assert OTHER_TOKEN not in answer.text
    assert await pool.fetchval("SELECT count(*) FROM channels") == 0
    assert graph.subscribed == set()


async def test_whose_a_token_is_is_read_as_metas_reference_shows_it(
    client: httpx.AsyncClient, graph: GraphServer
) -> None:
    told = f'{{"data": [{{"user_id": "{OTHER}", "username": "narvan"}}]}}'
    graph.managed[ASK] = Fail(200, told)
    answer = await client.post("/api/channels/", json=CHANNEL)
    assert answer.status_code == 422, answer.text
    assert OTHER in answer.json()["detail"]
    assert graph.subscribed == set()
    graph.managed[ASK] = Fail(200, told.replace(OTHER, ACCOUNT))
    assert (await add(client))["connection"] == "connected"


async def test_a_token_that_has_run_out_makes_no_channel(
    client: httpx.AsyncClient, graph: GraphServer, pool: Pool
) -> None:
    graph.managed[ASK] = refusal(190, "Error validating access token")
    answer = await client.post("/api/channels/", json=CHANNEL)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("access_token: Instagram does not know")
    assert await pool.fetchval("SELECT count(*) FROM channels") == 0


@pytest.mark.parametrize(
    "reply",
    [
        HangUp(),
        Fail(502, "<html>"),
        Fail(200, "a portal"),
        Fail(200, "{}"),
        refusal(4, "Application request limit reached"),
    ],
)
async def test_a_platform_out_of_reach_is_named_and_tried_again(
    client: httpx.AsyncClient, graph: GraphServer, reply: Reply
) -> None:
    graph.managed[ASK] = reply
    channel = await add(client)
    assert channel["connection"] == "unreachable"
    assert "/connect/" in channel["connection_hint"]
    # It was not asked a second time: somebody waits for the answer.
    assert graph.asked == [ASK]
    graph.managed.clear()
    again = await client.post(f"/api/channels/{channel['id']}/connect/")
    assert again.json()["connection"] == "connected"
    assert graph.subscribed == {TOKEN}


async def test_a_missing_permission_is_told_in_the_platforms_words(
    client: httpx.AsyncClient, graph: GraphServer
) -> None:
    graph.managed[SUBSCRIBE] = refusal(10, f"No permission for {TOKEN}")
    channel = await add(client)
    assert channel["connection"] == "refused"
    assert "No permission" in channel["connection_hint"]
    assert TOKEN not in str((await client.get("/api/channels/")).json())


async def test_a_pages_token_proves_the_account_that_is_linked_to_the_page(
    client: httpx.AsyncClient, graph: GraphServer
) -> None:
    graph.pages = {"token-of-a-page": ACCOUNT, "token-of-another-page": OTHER}
    other = {**CHANNEL, "access_token": "token-of-another-page"}
    assert (await client.post("/api/channels/", json=other)).status_code == 422
    channel = await add(client, access_token="token-of-a-page")
    assert channel["connection"] == "connected"
    assert channel["proven_at"]


async def test_a_token_of_which_nobody_says_whose_it_is_proves_nothing(
    client: httpx.AsyncClient, graph: GraphServer
) -> None:
    graph.managed[ASK] = refusal(100, "Tried accessing nonexisting field (user_id)")
    channel = await add(client)
    assert channel["connection"] == "unproven"
    assert channel["proven_at"] is None
    assert graph.subscribed == set()


async def test_a_paused_account_is_proven_when_it_is_resumed(
    client: httpx.AsyncClient, graph: GraphServer
) -> None:
    channel = await add(client, is_paused=True, access_token=OTHER_TOKEN)
    assert (channel["connection"], graph.asked) == ("paused", [])
    path = f"/api/channels/{channel['id']}/"
    asked = await client.post(f"{path}connect/")
    assert (asked.json()["connection"], graph.asked) == ("paused", [])
    resumed = await client.patch(path, json={"is_paused": False})
    assert resumed.status_code == 422
    assert "belongs to another account" in resumed.json()["detail"]
    assert (await client.get(path)).json()["is_paused"]
    assert graph.subscribed == set()
    mend = {"access_token": TOKEN, "is_paused": False}
    mended = (await client.patch(path, json=mend)).json()
    assert (mended["connection"], mended["is_paused"]) == ("connected", False)
    wrong = await client.patch(path, json={"access_token": OTHER_TOKEN})
    assert wrong.status_code == 422
    assert graph.subscribed == {TOKEN}


async def test_a_deleted_channels_account_is_left_alone(
    client: httpx.AsyncClient, graph: GraphServer
) -> None:
    channel = await add(client)
    answer = await client.delete(f"/api/channels/{channel['id']}/")
    assert (answer.status_code, graph.subscribed) == (204, set())
    assert graph.asked[-1] == UNSUBSCRIBE
