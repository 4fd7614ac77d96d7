"""The operators' WebSocket: all that happens to the tenant, once, from a cursor on."""

import asyncio
import socket as socket_module
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import httpx
import orjson
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from actors.clock import SystemClock
from actors.conversation.events import (
    CustomerEdited,
    FeedbackGiven,
    MessageEdited,
    MessageUnsent,
    StatusSet,
)
from actors.conversation.state import Feedback, Source, Status
from deployments.web.api.tokens import LIFETIMES, TokenType
from deployments.web.dependencies import WebDependencies
from deployments.web.inbox_feed import MAX_CHANGES, MAX_FOLLOWERS_PER_USER, LiveLimits
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.feed import FeedCursor
from persistence.ids import ConversationId, EventId, MessageId
from persistence.users import User
from tests.support.api import (
    Api,
    LocalShards,
    add_channel,
    claims_of,
    write_as_customer,
)
from tests.support.clock import FakeClock
from tests.support.live import Follower, LiveApi
from tests.support.waiting import check_promise, time_limit


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(SystemClock().now())


@pytest.fixture
def send_timeout() -> timedelta:
    """Longer than a busy machine keeps anybody from reading."""
    return timedelta(seconds=30)


@pytest.fixture
async def api(
    pool: Pool, clock: FakeClock, send_timeout: timedelta
) -> AsyncIterator[Api]:
    shards = LocalShards(pool)
    await shards.shard.start()
    limits = LiveLimits(
        pace=timedelta(milliseconds=5),
        send_timeout=send_timeout,
        recheck=timedelta(milliseconds=50),
    )
    yield Api(pool, shards, clock=clock, live_limits=limits)
    await shards.shard.stop()


@pytest.fixture
async def channel(app: FastAPI, alice: User) -> Channel:
    return await add_channel(app, alice.tenant_id)


class Writer:
    """A customer who writes numbered messages."""

    def __init__(self, api: Api, channel: Channel, customer: str = "sara") -> None:
        self._api, self._channel, self._customer = api, channel, customer
        self.count = 0

    async def write(self, text: str) -> ConversationId:
        """Write one message."""
        self.count += 1
        return await write_as_customer(
            self._api, self._channel, self._customer, text, f"m{self.count}"
        )


@pytest.fixture
def sara(api: Api, channel: Channel) -> Writer:
    return Writer(api, channel)


async def set_status(api: Api, conversation: ConversationId, status: Status) -> None:
    await api.shards.submit(
        StatusSet(
            id=EventId(uuid4()),
            conversation_id=conversation,
            at=api.clock.now(),
            status=status,
        )
    )


async def test_a_new_message_arrives_within_a_second_with_its_conversation(
    live: LiveApi, alice: User, sara: Writer
) -> None:
    took: list[float] = []
    async with live.follow(alice) as window:
        conversation = await sara.write("سلام")
        await window.read_messages(1)
        for count in range(2, 5):
            await sara.write("سلام")
            began = time.perf_counter()
            assert await window.read_messages(count) == ["سلام"] * count
            took.append(time.perf_counter() - began)
    check_promise(took, timedelta(seconds=1))
    message = window.messages[0]
    assert message["conversation_id"] == str(conversation)
    assert message["processing_status"] == "pending"
    shown = window.conversations[-1]
    assert shown["id"] == str(conversation)
    last = shown["last_message"]
    assert isinstance(last, dict)
    assert last["content"] == "سلام"


async def test_who_switches_the_ai_is_seen_by_who_follows(
    live: LiveApi, client: httpx.AsyncClient, alice: User, sara: Writer
) -> None:
    conversation = await sara.write("سلام")
    async with live.follow(alice) as window:
        for is_on in (False, True):
            path = f"/api/conversations/{conversation}/ai/"
            await client.post(path, json={"ai_enabled": is_on})
            async with time_limit(lambda: window.last_frame):
                while not window.conversations or (
                    window.conversations[-1]["ai_enabled"] is not is_on
                ):
                    await window.read_frame()


async def test_the_feed_shows_what_the_api_shows(
    live: LiveApi, client: httpx.AsyncClient, alice: User, sara: Writer
) -> None:
    async with live.follow(alice) as window:
        conversation = await sara.write("سلام")
        await window.read_messages(1)
    path = f"/api/conversations/{conversation}/"
    # A frame is everybody's, and does not know what each has read.
    told = (await client.get(path)).json() | {"unread": None}
    assert window.conversations[0] == told
    (listed,) = (await client.get(f"{path}messages/")).json()["results"]
    assert window.messages[0] == listed | {"conversation_id": str(conversation)}


async def test_a_change_of_state_arrives_without_a_message(
    live: LiveApi, api: Api, alice: User, sara: Writer
) -> None:
    conversation = await sara.write("سلام")
    async with live.follow(alice) as window:
        await set_status(api, conversation, Status.SUPPORT_ACTIVE)
        await window.read_frame()
    (shown,) = window.conversations
    assert (shown["status"], shown["ai_enabled"]) == ("support_active", False)
    assert window.messages == []


async def test_what_becomes_of_a_message_arrives_as_its_change(
    live: LiveApi,
    api: Api,
    app: FastAPI,
    client: httpx.AsyncClient,
    alice: User,
) -> None:
    instagram = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")
    conversation = await Writer(api, instagram, "ig-1").write("سلام")
    async with live.follow(alice) as window:
        answer = await client.post(
            f"/api/conversations/{conversation}/messages/", json={"content": "بله"}
        )
        states: list[object] = []
        while "sent" not in states:
            await window.read_frame()
            states = [
                message["delivery"]
                for message in (*window.messages, *window.changed)
                if message["id"] == answer.json()["id"]
            ]
    assert [message["id"] for message in window.messages] == [answer.json()["id"]]
    # The customer's question is answered now, and that is told as well.
    done = [one for one in window.changed if one["content"] == "سلام"]
    assert done[-1]["processing_status"] == "completed"


async def test_feedback_and_edits_of_the_customer_arrive(
    live: LiveApi, api: Api, alice: User, sara: Writer
) -> None:
    conversation = await sara.write("سلام")
    message = MessageId(api.shards.events[-1].id)
    async with live.follow(alice) as window:
        await api.shards.submit(
            FeedbackGiven(
                id=EventId(uuid4()),
                conversation_id=conversation,
                at=api.clock.now(),
                user_id=alice.id,
                message_id=message,
                feedback=Feedback.POSITIVE,
                comment="خوب",
            )
        )
        await window.read_until(lambda: bool(window.changed))
        told = len(window.conversations)
        await api.shards.submit(
            CustomerEdited(
                id=EventId(uuid4()),
                conversation_id=conversation,
                at=api.clock.now(),
                user_id=alice.id,
                fields=("tags",),
            )
        )
        while len(window.conversations) == told:
            await window.read_frame()
    (changed,) = window.changed
    assert (changed["feedback"], changed["feedback_comment"]) == ("positive", "خوب")


async def test_what_its_author_edits_or_takes_back_arrives_as_it_is_then(
    live: LiveApi, api: Api, app: FastAPI, alice: User
) -> None:
    channel = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")
    conversation = await Writer(api, channel, "ig-1").write("سلام")
    async with live.follow(alice) as window:
        edited = MessageEdited(
            id=EventId(uuid4()),
            conversation_id=conversation,
            at=api.clock.now(),
            tenant_id=alice.tenant_id,
            channel_id=channel.id,
            source=Source.INSTAGRAM,
            customer="ig-1",
            mid="m1",
            text="سلام!",
        )
        await api.shards.submit(edited)
        await window.read_frame()
        await api.shards.submit(
            MessageUnsent(
                id=EventId(uuid4()),
                conversation_id=conversation,
                at=api.clock.now(),
                tenant_id=alice.tenant_id,
                channel_id=channel.id,
                source=Source.INSTAGRAM,
                customer="ig-1",
                mid="m1",
            )
        )
        await window.read_frame()
    assert [message["content"] for message in window.changed] == ["سلام!", ""]
    assert window.messages == []


async def test_who_reconnects_misses_nothing_and_sees_nothing_twice(
    live: LiveApi, alice: User, sara: Writer
) -> None:
    async with live.follow(alice) as window:
        await sara.write("یک")
        await window.read_messages(1)
    await sara.write("دو")
    async with live.follow(alice, since=window.cursor) as again:
        assert again.cursor == window.cursor
        await sara.write("سه")
        assert await again.read_messages(2) == ["دو", "سه"]


async def test_without_a_cursor_the_feed_begins_now(
    live: LiveApi, alice: User, sara: Writer
) -> None:
    await sara.write("older")
    async with live.follow(alice) as window:
        await sara.write("newer")
        assert await window.read_messages(1) == ["newer"]


async def test_windows_that_come_and_go_while_messages_pour_in_see_each_once(
    live: LiveApi, api: Api, channel: Channel, alice: User
) -> None:
    total = 60
    async with live.follow(alice) as window:
        start = window.cursor
    writers = [Writer(api, channel, f"customer-{number}") for number in range(3)]

    async def pour(writer: Writer) -> None:
        for number in range(total // len(writers)):
            await writer.write(f"{writers.index(writer)}-{number}")

    async def watch(frames_per_visit: int) -> list[object]:
        seen: list[object] = []
        cursor = start
        while len(seen) < total:
            async with live.follow(alice, since=cursor) as window:
                for _ in range(frames_per_visit):
                    await window.read_frame()
                    if len(seen) + len(window.messages) >= total:
                        break
                seen += window.texts
                cursor = window.cursor
        return seen

    pouring = asyncio.gather(*map(pour, writers))
    seen = await asyncio.gather(*map(watch, (1, 2, 5, 1000)))
    await pouring
    for texts in seen:
        assert len(texts) == len(set(texts)) == total
        for writer in range(len(writers)):
            mine = [text for text in texts if str(text).startswith(f"{writer}-")]
            assert mine == [f"{writer}-{number}" for number in range(len(mine))]


async def test_a_long_absence_is_made_good_in_pieces(
    live: LiveApi, alice: User, sara: Writer
) -> None:
    async with live.follow(alice) as window:
        start = window.cursor
    for number in range(MAX_CHANGES * 2 + 7):
        await sara.write(str(number))
    async with live.follow(alice, since=start) as window:
        texts = await window.read_messages(sara.count)
    assert texts == [str(number) for number in range(sara.count)]


async def test_changes_of_several_shards_are_told_from_one_cursor(
    live: LiveApi, api: Api, pool: Pool, alice: User, channel: Channel
) -> None:
    """A second shard comes up while the window is open."""
    sara = Writer(api, channel)
    async with live.follow(alice) as window:
        await sara.write("from shard 0")
        await window.read_messages(1)
        await pool.execute("INSERT INTO shards (shard, epoch, seq) VALUES (1, 1, 1000)")
        await pool.execute(
            "WITH e AS (UPDATE conversation_events SET shard = 1, seq = 1000"
            " WHERE tenant_id = $1 RETURNING id)"
            " SELECT pg_notify('pilito_messages', '1:1000:1000')",
            alice.tenant_id,
        )
        await window.read_frame()
        assert window.conversations[-1]["id"]
        assert dict(FeedCursor.parse(window.cursor).positions)[1] == 1000


async def test_x2_a_tenant_is_told_of_its_own_inbox_only(
    live: LiveApi, api: Api, app: FastAPI, alice: User, bob: User, sara: Writer
) -> None:
    theirs = await add_channel(app, bob.tenant_id, account_id="bobs key")
    async with live.follow(alice) as mine, live.follow(bob) as other:
        await Writer(api, theirs).write("for bob")
        await sara.write("for alice")
        assert await mine.read_messages(1) == ["for alice"]
        assert await other.read_messages(1) == ["for bob"]
    # A stolen cursor opens nothing either: it only says where to begin.
    start = ".".join(f"{shard}-0" for shard in (0,))
    async with live.follow(bob, since=start) as other:
        assert await other.read_messages(1) == ["for bob"]
        await Writer(api, theirs, "other").write("the next")
        assert await other.read_messages(2) == ["for bob", "the next"]


async def test_a_lost_notification_is_made_good_when_the_listener_is_back(
    live: LiveApi, pool: Pool, alice: User, sara: Writer
) -> None:
    async with live.follow(alice) as window:
        await sara.write("before")
        await window.read_messages(1)
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
        await sara.write("while it was away")
        assert await window.read_messages(2) == ["before", "while it was away"]


async def close_code(opening: connect) -> tuple[int | None, str | None]:
    async with opening as socket:
        await Follower(socket).read_to_the_end()
        return socket.close_code, socket.close_reason


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
async def test_without_a_valid_token_the_socket_closes_with_4401(
    live: LiveApi, token: str
) -> None:
    assert await close_code(live.open(token=token)) == (4401, "sign in again")


def sign_for(live: LiveApi, user: User, left: timedelta, kind: TokenType) -> str:
    context: WebDependencies = live.app.state.context
    at = context.clock.now() - LIFETIMES[kind] + left
    return context.signer.sign(claims_of(user), kind, at)


async def test_a_refresh_token_opens_no_socket(live: LiveApi, alice: User) -> None:
    token = sign_for(live, alice, timedelta(days=1), TokenType.REFRESH)
    assert (await close_code(live.open(token=token)))[0] == 4401


async def test_a_socket_ends_when_its_token_expires(
    live: LiveApi, alice: User, clock: FakeClock
) -> None:
    token = sign_for(live, alice, timedelta(seconds=1), TokenType.ACCESS)
    async with live.open(token=token) as socket:
        assert orjson.loads(await socket.recv())["type"] == "welcome"
        clock.advance(timedelta(seconds=1))
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4401


async def test_a_socket_ends_when_its_person_is_shut_out(
    live: LiveApi, pool: Pool, alice: User
) -> None:
    async with live.open(alice) as socket:
        assert orjson.loads(await socket.recv())["type"] == "welcome"
        await pool.execute("UPDATE users SET is_active = false")
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4401


@pytest.mark.parametrize(
    "since", ["x", "0", "0-", "0--1", "0-1.", "1-1.0-1", "0-1.0-2", "0-" + "9" * 19]
)
async def test_a_cursor_that_the_feed_never_gave_closes_with_4400(
    live: LiveApi, alice: User, since: str
) -> None:
    assert await close_code(live.open(alice, since)) == (4400, "since")


async def test_a_cursor_from_the_future_is_refused_instead_of_waited_for(
    live: LiveApi, alice: User, sara: Writer
) -> None:
    """The database was restored from a backup that is older than the cursor."""
    await sara.write("سلام")
    assert (await close_code(live.open(alice, "0-999")))[0] == 4400
    assert (await close_code(live.open(alice, "9-1")))[0] == 4400


async def test_one_person_follows_in_so_many_windows_and_no_more(
    live: LiveApi, alice: User, bob: User
) -> None:
    sockets = [
        await live.open(alice).__aenter__() for _ in range(MAX_FOLLOWERS_PER_USER)
    ]
    for socket in sockets:
        await socket.recv()
    assert (await close_code(live.open(alice)))[0] == 4429
    async with live.follow(bob):
        pass
    for socket in sockets:
        await socket.close()


async def test_a_frame_is_cut_before_it_grows_too_large(
    live: LiveApi, alice: User, sara: Writer
) -> None:
    async with live.follow(alice) as window:
        start = window.cursor
    for number in range(25):
        await sara.write(f"{number} " + "ب" * 10_000)
    async with live.follow(alice, since=start) as window:
        texts = await window.read_messages(25)
    assert [str(text).partition(" ")[0] for text in texts] == list(map(str, range(25)))


@pytest.mark.parametrize("send_timeout", [timedelta(seconds=1)])
async def test_a_window_that_takes_nothing_is_closed_and_catches_up_later(
    live: LiveApi, alice: User, sara: Writer
) -> None:
    narrow = socket_module.socket()
    narrow.setsockopt(socket_module.SOL_SOCKET, socket_module.SO_RCVBUF, 4096)
    host, _, port = live.address.partition(":")
    narrow.connect((host, int(port)))
    narrow.setblocking(False)
    # Compressed, a letter that repeats would never fill the way.
    opening = connect(
        live.open(alice).uri,
        compression=None,
        sock=narrow,
        open_timeout=None,
        ping_interval=None,
    )
    async with opening as socket:
        window = Follower(socket)
        await window.read_frame()
        # It stops reading: what is sent piles up in the kernel until nothing more goes.
        socket.transport.pause_reading()
        live.has_ended.clear()
        while not live.has_ended.is_set():
            await asyncio.gather(*(sara.write("ب" * 90_000) for _ in range(10)))
            with suppress(TimeoutError):
                await asyncio.wait_for(live.has_ended.wait(), 0.1)
        socket.transport.resume_reading()
        await window.read_to_the_end()
        assert len(window.messages) < sara.count
    async with live.follow(alice, since=window.cursor) as again:
        await again.read_messages(sara.count - len(window.messages))
    told = [message["id"] for message in (*window.messages, *again.messages)]
    assert len(set(told)) == len(told) == sara.count
