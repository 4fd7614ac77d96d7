"""`/console/live`: Turbo Streams with a cursor, for whom the cookie names."""

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest

from deployments import accounts
from persistence.channels import Channel
from persistence.users import User
from tests.integration.deployments.console.conftest import PASSWORD
from tests.support.api import Api, add_channel, write_as_customer
from tests.support.live import LiveApi, running_live
from tests.support.servers.http_server import (
    ANSWER_S,
    open_socket,
    read_close_code,
)


@pytest.fixture
async def live(api: Api, dsn: str) -> AsyncIterator[LiveApi]:
    async with running_live(api, api.build(), dsn) as live:
        yield live


@pytest.fixture
async def shop(live: LiveApi, sara: User) -> Channel:
    return await add_channel(live.app, sara.tenant_id)


async def sign_in(live: LiveApi, username: str) -> str:
    """Return the cookie of a sign-in, as browsers send it."""
    url = f"http://{live.address}"
    async with httpx.AsyncClient(base_url=url, timeout=ANSWER_S) as client:
        fields = {"username": username, "password": PASSWORD}
        answer = await client.post("/console/sign-in", data=fields)
        return answer.headers["set-cookie"].partition(";")[0]


def headers(live: LiveApi, cookie: str) -> dict[str, str]:
    return {"Cookie": cookie, "Origin": f"http://{live.address}"}


async def test_a_change_comes_as_streams_with_a_cursor_that_goes_on_from_there(
    live: LiveApi, api: Api, shop: Channel
) -> None:
    known = await write_as_customer(api, shop, "c1", "پیام یک", "m1")
    cookie = await sign_in(live, "sara")
    url = f"ws://{live.address}/console/live?view=led_by_ai&shown={known}"
    async with open_socket(url, headers(live, cookie)) as socket:
        welcome = orjson.loads(await socket.recv())
        assert welcome["html"] == ""
        await write_as_customer(api, shop, "c1", "پیام دو", "m2")
        frame = orjson.loads(await socket.recv())
    assert f'<li id="row-{known}"' in frame["html"]
    assert 'action="place" target="items"' in frame["html"]
    assert "پیام دو" in frame["html"]
    assert 'target="count-led_by_ai"' in frame["html"]
    # What happened meanwhile comes from the old cursor, once; from the new one nothing.
    other = await write_as_customer(api, shop, "c2", "پیام سه")
    url += f"&since={frame['cursor']}"
    async with open_socket(url, headers(live, cookie)) as socket:
        await socket.recv()
        caught_up = orjson.loads(await socket.recv())
    assert f'<li id="row-{other}"' in caught_up["html"]
    assert "پیام دو" not in caught_up["html"]


async def test_a_row_that_left_the_view_is_withdrawn(
    live: LiveApi, api: Api, shop: Channel
) -> None:
    one = await write_as_customer(api, shop, "c1", "سلام")
    cookie = await sign_in(live, "sara")
    url = f"ws://{live.address}/console/live?view=needs_person"
    async with open_socket(url, headers(live, cookie)) as socket:
        await socket.recv()
        await write_as_customer(api, shop, "c1", "هستید؟", "m2")
        frame = orjson.loads(await socket.recv())
    assert f'action="withdraw" target="row-{one}"' in frame["html"]
    assert "هستید؟" not in frame["html"]


@pytest.mark.parametrize("fault", ["no cookie", "forged", "other site"])
async def test_a_socket_without_a_session_of_ours_is_closed(
    live: LiveApi, sara: User, fault: str
) -> None:
    asking = headers(live, await sign_in(live, sara.username))
    if fault == "no cookie":
        del asking["Cookie"]
    elif fault == "forged":
        asking["Cookie"] += "x"
    else:
        asking["Origin"] = "https://evil.example"
    url = f"ws://{live.address}/console/live?view=mine"
    code = 4403 if fault == "other site" else 4401
    assert await read_close_code(open_socket(url, asking)) == code


async def test_a_cursor_that_is_none_of_ours_is_named(
    live: LiveApi, sara: User
) -> None:
    url = f"ws://{live.address}/console/live?view=mine&since=nonsense"
    cookie = await sign_in(live, sara.username)
    assert await read_close_code(open_socket(url, headers(live, cookie))) == 4400


async def test_another_shop_sees_no_change_and_no_thread(
    live: LiveApi, api: Api, shop: Channel
) -> None:
    bob = await api.add_user("bob", await accounts.hash_password(PASSWORD))
    theirs = await add_channel(live.app, bob.tenant_id, account_id="other")
    secret = await write_as_customer(api, shop, "c1", "راز", "m1")
    cookie = await sign_in(live, "bob")
    url = f"ws://{live.address}/console/live?view=led_by_ai&shown={secret}"
    async with open_socket(url, headers(live, cookie)) as socket:
        await socket.recv()
        await write_as_customer(api, shop, "c1", "راز دیگر", "m2")
        own = await write_as_customer(api, theirs, "c9", "سلام")
        frame = orjson.loads(await socket.recv())
    assert f'<li id="row-{own}"' in frame["html"]
    assert "راز" not in frame["html"]
    assert str(secret) not in frame["html"]
