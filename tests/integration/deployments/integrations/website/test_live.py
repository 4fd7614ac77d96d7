"""The visitor's WebSocket: history, then news; nothing lost and nothing twice."""

import asyncio
import contextlib
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect

from actors.conversation.events import OperatorAnswered
from deployments.integrations.website import live
from deployments.integrations.website.live import MAX_NEWS, MAX_VISITS_PER_CONVERSATION
from persistence.database import Pool
from persistence.ids import EventId, UserId, derive_conversation_id
from tests.support.logs import heard_log
from tests.support.servers.http_server import ANSWER_S, open_socket, read_close_code
from tests.support.website import Website

VISITOR = "visitor-0001"


def follow(
    website: Website,
    since: str = "",
    visitor: str = VISITOR,
    key: str | None = None,
) -> connect:
    key = key or website.channel.account_id
    query = f"?since={since}" if since else ""
    return open_socket(
        f"ws://{website.address}/ws/website/{key}/{visitor}{query}",
        subprotocols=("pilito.visitor", website.sign(visitor)),
    )


async def write(website: Website, content: str, visitor: str = VISITOR) -> int:
    """Write as a visitor; return the message's seq."""
    key = website.channel.account_id
    async with httpx.AsyncClient(timeout=ANSWER_S) as client:
        answer = await client.post(
            f"http://{website.address}/webhooks/website/{key}/messages/",
            json={
                "visitor_id": visitor,
                "token": website.sign(visitor),
                "content": content,
            },
        )
    assert answer.status_code == 201, answer.text
    seq: int = answer.json()["seq"]
    return seq


async def answer_as_operator(website: Website, text: str) -> None:
    await website.shards.submit(
        OperatorAnswered(
            id=EventId(uuid4()),
            conversation_id=derive_conversation_id(website.channel.id, VISITOR),
            at=datetime(2026, 3, 21, 12, tzinfo=UTC),
            user_id=UserId(uuid4()),
            text=text,
        )
    )


async def read(socket: ClientConnection, count: int) -> list[dict[str, object]]:
    """Read so many messages, passing other frames by."""
    found: list[dict[str, object]] = []
    while len(found) < count:
        frame = orjson.loads(await socket.recv())
        if frame["type"] == "message":
            found.append(frame)
    return found


def texts(messages: list[dict[str, object]]) -> list[object]:
    return [message["content"] for message in messages]


async def test_history_comes_first_and_then_what_is_new(website: Website) -> None:
    await write(website, "یک")
    await write(website, "دو")
    async with follow(website) as socket:
        assert texts(await read(socket, 2)) == ["یک", "دو"]
        await write(website, "سه")
        await answer_as_operator(website, "چهار")
        three, four = await read(socket, 2)
    assert (three["author"], three["content"]) == ("customer", "سه")
    assert (four["author"], four["content"]) == ("operator", "چهار")
    assert set(four) == {"type", "id", "seq", "author", "content", "created_at"}


async def test_who_reconnects_with_a_cursor_misses_nothing_and_sees_nothing_twice(
    website: Website,
) -> None:
    cursor = await write(website, "seen")
    await write(website, "missed")
    async with follow(website, since=str(cursor)) as socket:
        assert texts(await read(socket, 1)) == ["missed"]
        await write(website, "live")
        assert texts(await read(socket, 1)) == ["live"]


async def test_connecting_while_messages_pour_in_shows_each_once_in_order(
    website: Website,
) -> None:
    total = 40
    reached = {start: asyncio.Event() for start in (0, 5, 6, 7, 20, 39)}

    async def pour() -> None:
        for number in range(total):
            if number in reached:
                reached[number].set()
            await write(website, str(number))

    async def watch(start: int) -> list[object]:
        await reached[start].wait()
        async with follow(website) as socket:
            return texts(await read(socket, total))

    pouring = asyncio.create_task(pour())
    seen = await asyncio.gather(*map(watch, reached))
    await pouring
    assert seen == [[str(number) for number in range(total)]] * len(reached)


async def test_long_histories_are_read_in_pieces(website: Website, pool: Pool) -> None:
    first = await write(website, "first")
    await pool.execute(
        "INSERT INTO messages (id, tenant_id, conversation_id, shard, seq, type,"
        " content, processing_status, created_at)"
        " SELECT gen_random_uuid(), m.tenant_id, m.conversation_id, 0, m.seq + n,"
        " 'support', n::text, 'completed', now()"
        " FROM messages m, generate_series(1, $1) n",
        MAX_NEWS * 2 + 7,
    )
    async with follow(website, since=str(first)) as socket:
        seen = texts(await read(socket, MAX_NEWS * 2 + 7))
    assert seen == [str(number + 1) for number in range(MAX_NEWS * 2 + 7)]
    async with follow(website) as socket:
        newest = await read(socket, 200)
    assert newest[-1]["content"] == str(MAX_NEWS * 2 + 7)


async def test_visitors_see_their_own_conversation_only(website: Website) -> None:
    async with follow(website) as mine, follow(website, visitor="visitor-2") as other:
        await write(website, "for the other", "visitor-2")
        await write(website, "mine")
        assert texts(await read(mine, 1)) == ["mine"]
        assert texts(await read(other, 1)) == ["for the other"]


async def test_writing_is_shown_while_the_answer_is_made(
    website: Website, pool: Pool
) -> None:
    await write(website, "?")
    async with follow(website) as socket:
        await read(socket, 1)
        await pool.execute("UPDATE messages SET processing_status = 'processing'")
        website.hub.notify("0:1:1")
        assert orjson.loads(await socket.recv()) == {
            "type": "typing",
            "is_active": True,
        }
        await pool.execute("UPDATE messages SET processing_status = 'failed'")
        website.hub.notify("0:1:1")
        assert orjson.loads(await socket.recv()) == {
            "type": "typing",
            "is_active": False,
        }


async def test_a_lost_notification_is_made_good_when_the_listener_is_back(
    website: Website, pool: Pool
) -> None:
    async with follow(website) as socket:
        await write(website, "before")
        await read(socket, 1)
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
        await write(website, "while it was away")
        assert texts(await read(socket, 1)) == ["while it was away"]


async def test_what_could_not_be_read_for_a_bug_is_read_again(
    website: Website, pool: Pool
) -> None:
    async with follow(website) as socket:
        await write(website, "before")
        await read(socket, 1)
        with heard_log() as ear:
            await pool.execute("ALTER TABLE messages RENAME TO messages_elsewhere")
            await pool.execute("SELECT pg_notify('pilito_messages', '')")
            await ear.wait_for("task_failed")
        conversation = derive_conversation_id(website.channel.id, VISITOR)
        await pool.execute("ALTER TABLE messages_elsewhere RENAME TO messages")
        # Nobody notifies: the reading that failed is made again by itself.
        await pool.execute(
            "INSERT INTO messages (id, tenant_id, conversation_id, shard, seq, type,"
            " message_type, content, processing_status, created_at)"
            " SELECT gen_random_uuid(), tenant_id, $1, shard, seq + 1, 'support',"
            " message_type, 'after', 'completed', created_at FROM messages"
            " WHERE conversation_id = $1 ORDER BY seq DESC LIMIT 1",
            conversation,
        )
        assert texts(await read(socket, 1)) == ["after"]


async def test_an_unknown_key_closes_with_4404(website: Website) -> None:
    assert await read_close_code(follow(website, key="none")) == 4404
    assert await read_close_code(follow(website, key="a%00b")) == 4404


@pytest.mark.parametrize(
    "since", ["x", "-1", "1.5", "9" * 19, "9" * 5000, "0" * 20 + "9" * 19]
)
async def test_a_cursor_that_is_none_closes_with_4400(
    website: Website, since: str
) -> None:
    assert await read_close_code(follow(website, since=since)) == 4400


async def test_a_cursor_from_the_future_is_refused_instead_of_waited_for(
    website: Website,
) -> None:
    last = await write(website, "before a backup was restored")
    async with follow(website, since=str(last)) as socket:
        await write(website, "hello")
        assert texts(await read(socket, 1)) == ["hello"]
    assert await read_close_code(follow(website, since=str(last + 100))) == 4400


async def test_a_visitor_id_that_is_none_closes_with_4400(website: Website) -> None:
    assert await read_close_code(follow(website, visitor="short")) == 4400


async def test_a_conversation_is_open_in_so_many_windows_and_no_more(
    website: Website,
) -> None:
    await write(website, "hello")
    sockets = [
        await follow(website).__aenter__() for _ in range(MAX_VISITS_PER_CONVERSATION)
    ]
    for socket in sockets:
        await read(socket, 1)
    assert await read_close_code(follow(website)) == 4429
    for socket in sockets:
        await socket.close()
    async with follow(website) as socket:
        assert texts(await read(socket, 1)) == ["hello"]


async def test_one_address_can_not_take_all_windows(
    website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_VISITS_PER_ADDRESS", 3)
    key = website.channel.account_id

    def come(address: str, number: int) -> connect:
        return open_socket(
            f"ws://{website.address}/ws/website/{key}/visitor-{number:04}",
            {"X-Forwarded-For": address},
            ("pilito.visitor", website.sign(f"visitor-{number:04}")),
        )

    async with contextlib.AsyncExitStack() as stack:
        for number in range(3):
            await write(website, "hello", f"visitor-{number:04}")
            socket = await stack.enter_async_context(come("198.41.0.4", number))
            # A window is open before it is counted; what it is told comes after.
            assert texts(await read(socket, 1)) == ["hello"]
        assert await read_close_code(come("198.41.0.4", 9999)) == 4429
        async with come("198.41.0.5", 0) as socket:
            assert texts(await read(socket, 1)) == ["hello"]
