"""Erasing a customer: nothing of the person stays, and nothing comes back (H7)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from actors.clock import SystemClock
from actors.conversation.errors import ShardUnavailableError, UnknownConversationError
from actors.conversation.events import (
    CustomerErased,
    CustomerShared,
    CustomerWrote,
    EchoReceived,
    Media,
    MessageEdited,
    MessageUnsent,
    customer_message_id,
    echo_message_id,
    share_message_id,
)
from actors.conversation.ports import (
    AnswerJob,
    CustomerRef,
    OutgoingPart,
    WrittenAnswer,
)
from actors.conversation.replay import find_differences, rebuild
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.mirror import MirrorTimings, RedisMirror
from actors.conversation.state import MessageType, Profile, Source
from actors.conversation.traces import AnswerTrace, PromptMessage, SourceCited
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.history import fetch_history
from persistence.ids import (
    ConversationId,
    EventId,
    derive_conversation_id,
    derive_customer_id,
    derive_event_id,
)
from persistence.users import User
from tests.support.api import Api, LocalShards, add_channel, connect
from tests.support.conversation.customer_story import InboundHead
from tests.support.conversation.tables import (
    count_rows,
    dump_redis,
    dump_tables,
    find,
    read_files,
)
from tests.support.logs import written_log
from tests.support.servers.valkey import Valkey
from tests.support.waiting import wait_for_count

PERSON, MID = "998877665544", "mid.zarbalesh"
WORDS = "پیراهنِ زربالشِ ارغوانی"
EDITED = "شلوارِ کوهستانیِ زمرد"
CAPTION = "کپشنِ فیروزه‌کوب"
MEDIA = "https://cdn.example/ashkboos.jpg"
NAME, LAST, NICK = "گلنسترن", "سپهرداد", "golnastaran_77"
TAG, ATTRIBUTE, NOTE = "برچسبِ نایاب", "سایزِ پنجاه‌وسه", "یادداشتِ کارگزار"
INNER_NOTE = "پچ‌پچِ همکارانِ زعفرانی"
#: Everything by which the person could be known again.
TRACES = (
    *(PERSON, MID, WORDS, EDITED, CAPTION, "ashkboos", NAME, LAST, NICK),
    *(TAG, ATTRIBUTE, NOTE, INNER_NOTE),
)
ANSWERS = "SELECT count(*) FROM messages WHERE type = 'AI'"
SENT = "SELECT count(*) FROM outbox WHERE delivery = 'sent'"
QUICK = MirrorTimings(
    gather=timedelta(milliseconds=1),
    check=timedelta(milliseconds=50),
    retry=timedelta(milliseconds=50),
    compare=timedelta(hours=1),
)


@dataclass
class Desk:
    """Who answers, sends and knows names; each can be held back."""

    may_write: asyncio.Event = field(default_factory=asyncio.Event)
    may_send: asyncio.Event = field(default_factory=asyncio.Event)
    writing: asyncio.Event = field(default_factory=asyncio.Event)
    sending: asyncio.Event = field(default_factory=asyncio.Event)
    parts: list[OutgoingPart] = field(default_factory=list)
    #: A model that goes on when its caller has gone.
    is_stubborn: bool = False

    def __post_init__(self) -> None:
        self.may_write.set()
        self.may_send.set()

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Answer with a proof and a source, and quote the question."""
        assert job.question_ids
        self.writing.set()
        try:
            await self.may_write.wait()
        except asyncio.CancelledError:
            if not self.is_stubborn:
                raise
        trace = AnswerTrace(
            model="a-model",
            prompt_hash="0" * 64,
            prompt=(PromptMessage("user", f"{WORDS} {CAPTION}"),),
            questions=(WORDS,),
            sources=(SourceCited(1, "d", "c", "ارسال", "manual", None, 0.9),),
            subject=WORDS,
        )
        return WrittenAnswer(f"درباره‌ی {WORDS}: بله", trace=trace)

    async def send(self, part: OutgoingPart) -> str:
        """Take the part."""
        self.sending.set()
        await self.may_send.wait()
        self.parts.append(part)
        return f"{MID}.sent{len(self.parts)}"

    async def look_up(self, customer: CustomerRef) -> Profile:
        """Tell the name."""
        assert customer.customer
        return Profile(NAME, LAST, NICK)


@dataclass
class Shop:
    """A shop with Redis and logs, and its customer."""

    api: Api
    desk: Desk
    channel: Channel
    client: httpx.AsyncClient
    valkey: Valkey
    logs: Path

    @property
    def pool(self) -> Pool:
        """The database."""
        return self.api.pool

    @property
    def conversation(self) -> ConversationId:
        """The customer's."""
        return derive_conversation_id(self.channel.id, PERSON)

    @property
    def card(self) -> str:
        """The path of the customer's card."""
        return f"/api/customers/{derive_customer_id(self.channel.id, PERSON)}/"

    def head(self, event_id: EventId, mid: str) -> InboundHead:
        """Return what every event of the platform begins with."""
        return InboundHead(
            id=event_id,
            conversation_id=self.conversation,
            at=SystemClock().now(),
            tenant_id=self.channel.tenant_id,
            channel_id=self.channel.id,
            source=Source.INSTAGRAM,
            customer=PERSON,
            mid=mid,
        )

    async def write(self, mid: str = MID, text: str = WORDS) -> None:
        """Let the customer write, with a picture and about something."""
        head = self.head(customer_message_id(self.conversation, mid), mid)
        media = (Media(MessageType.IMAGE, MEDIA, f"{MID}.media"),)
        await self.api.shards.submit(
            CustomerWrote(**head, text=text, media=media, referred=CAPTION)
        )

    async def echo(self, mid: str) -> None:
        """Let the platform report what was sent."""
        head = self.head(echo_message_id(self.conversation, mid), mid)
        await self.api.shards.submit(EchoReceived(**head, text=WORDS))

    async def share(self, mid: str) -> None:
        """Let the customer share a post."""
        media = (Media(MessageType.SHARE, MEDIA, f"{MID}.media"),)
        head = self.head(share_message_id(self.conversation, mid), mid)
        await self.api.shards.submit(
            CustomerShared(**head, content=CAPTION, media=media)
        )

    async def count(self, table: str) -> int:
        """Count the rows of a table."""
        return await count_rows(self.pool, table)

    async def replayed(self) -> tuple[str, ...]:
        """Return where the history does not make the stored state."""
        story = await fetch_history(self.pool, self.conversation)
        assert story is not None
        return find_differences(story.state, rebuild(story.events, Policy()))


@pytest.fixture
async def valkey() -> AsyncIterator[Valkey]:
    valkey = Valkey()
    await valkey.start()
    yield valkey
    await valkey.stop()


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    with written_log(tmp_path / "logs", "shards"):
        yield tmp_path / "logs"


@pytest.fixture
async def shop(pool: Pool, valkey: Valkey, logs: Path) -> AsyncIterator[Shop]:
    desk = Desk()
    shards = LocalShards(
        pool,
        responder=desk,
        sender=desk,
        policy=Policy(reply_debounce=timedelta(milliseconds=20)),
        profiles=desk,
        mirror=RedisMirror(pool, valkey.url, QUICK),
    )
    await shards.shard.start()
    api = Api(pool, shards)
    app = api.build()
    alice: User = await api.add_user("alice")
    channel = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")
    async with connect(app, alice) as client:
        yield Shop(api, desk, channel, client, valkey, logs)
    desk.may_send.set()
    desk.may_write.set()
    await shards.shard.stop()


async def leave_traces(shop: Shop) -> None:
    """Let the customer and the shop fill every table that a conversation has."""
    await shop.share(f"{MID}.share")
    await shop.write()
    await wait_for_count(shop.pool, ANSWERS, 1)
    await wait_for_count(shop.pool, SENT, 1)
    head = shop.head(derive_event_id(shop.conversation, "edit"), MID)
    await shop.api.shards.submit(MessageEdited(**head, text=EDITED, order=1))
    await wait_for_count(shop.pool, ANSWERS, 2)
    await wait_for_count(shop.pool, SENT, 2)
    fields = {
        "tags": [TAG],
        "attributes": {"size": ATTRIBUTE},
        "notes": NOTE,
    }
    assert (await shop.client.patch(shop.card, json=fields)).status_code == 200
    path = f"/api/conversations/{shop.conversation}"
    note = await shop.client.post(f"{path}/notes/", json={"content": INNER_NOTE})
    assert note.status_code == 201, note.text
    read = await shop.client.post(f"{path}/read/", json={"position": 1})
    assert read.status_code == 200, read.text
    assigned = await shop.client.post(f"{path}/assign/", json={"user_id": "me"})
    assert assigned.status_code == 200, assigned.text
    answer = await shop.client.post(f"{path}/redirect/", json={"destination": "sales"})
    assert answer.status_code == 200, answer.text
    answer = await shop.client.post(f"{path}/redirect/", json={"destination": "ai"})
    assert answer.status_code == 200, answer.text
    # A share that still waits is in the mirror, with a timer.
    await shop.share(f"{MID}.waiting")
    await shop.pool.execute(
        "INSERT INTO conversation_variants (conversation_id, tenant_id, variant)"
        " VALUES ($1, $2, 'production') ON CONFLICT DO NOTHING",
        shop.conversation,
        shop.channel.tenant_id,
    )
    shown = await shop.pool.fetchval(
        "SELECT (state -> 'pending_share')::text FROM conversations"
    )
    await shop.valkey.wait_for({f"pending_share_{shop.conversation}": shown})


async def test_trust_h7_nothing_of_an_erased_customer_is_found_anywhere(
    shop: Shop,
) -> None:
    await leave_traces(shop)
    before = await dump_tables(shop.pool)
    found = {table for table, text in before.items() if find(TRACES, text)}
    # The walk must be able to fail: these tables do hold the person.
    assert found == {
        "answer_proofs",
        "conversation_events",
        "conversations",
        "customers",
        "messages",
        "notes",
        "outbox",
    }
    ids = (
        str(shop.conversation),
        str(derive_customer_id(shop.channel.id, PERSON)),
        str(customer_message_id(shop.conversation, MID)),
    )
    assert {"timers", "conversation_variants"} <= {
        table for table, text in before.items() if find(ids, text)
    }

    assert (await shop.client.delete(shop.card)).status_code == 204

    for table, text in (await dump_tables(shop.pool)).items():
        assert find((*TRACES, *ids), text) == [], table
    keys = [f"{name}_{shop.conversation}" for name in ("ai_control", "pending_share")]
    await shop.valkey.wait_for(dict.fromkeys(keys))
    async with shop.valkey.reader() as redis:
        assert find((*TRACES, *ids), await dump_redis(redis)) == []
    written = read_files(shop.logs)
    assert "Combined share" in written
    assert find(TRACES, written) == []
    # That somebody was forgotten, and when, is known; not who.
    assert await shop.count("erasures") == 1
    assert (await shop.client.get(shop.card)).status_code == 404
    assert (await shop.client.delete(shop.card)).status_code == 404


async def test_trust_h7_a_repeated_delivery_of_an_erased_message_brings_nothing_back(
    shop: Shop,
) -> None:
    await leave_traces(shop)
    assert (await shop.client.delete(shop.card)).status_code == 204

    await shop.write()
    await shop.share(f"{MID}.share")
    for mid in (f"{MID}.sent1", f"{MID}.sent2"):
        await shop.echo(mid)
    head = shop.head(derive_event_id(shop.conversation, f"unsent:{MID}"), MID)
    await shop.api.shards.submit(MessageUnsent(**head))

    assert await shop.count("customers") == 0
    assert await shop.count("conversation_events") == 0
    dump = "\n".join((await dump_tables(shop.pool)).values())
    assert find(TRACES, dump) == []


async def test_trust_h7_a_new_message_of_the_person_begins_a_fresh_customer(
    shop: Shop,
) -> None:
    await leave_traces(shop)
    assert (await shop.client.delete(shop.card)).status_code == 204

    await shop.write("mid.new", "سلام دوباره")
    await wait_for_count(shop.pool, SENT, 1)

    card = (await shop.client.get(shop.card)).json()
    assert (card["tags"], card["attributes"], card["notes"]) == ([], {}, "")
    story = await fetch_history(shop.pool, shop.conversation)
    assert story is not None
    assert story.events[0].version == 1
    assert EDITED not in str(story)
    await shop.valkey.wait_for(
        {f"ai_control_{shop.conversation}": '{"ai_enabled": true}'}
    )


async def test_trust_h7_an_answer_that_is_being_written_brings_no_words_back(
    shop: Shop,
) -> None:
    shop.desk.may_write.clear()
    shop.desk.is_stubborn = True
    await shop.write()
    await shop.desk.writing.wait()

    assert (await shop.client.delete(shop.card)).status_code == 204
    # The same person begins anew before the draft of the first life is ready.
    await shop.write("mid.new", "سلام دوباره")
    shop.desk.may_write.set()
    await wait_for_count(shop.pool, SENT, 1)

    rows = await shop.pool.fetch("SELECT payload::text AS p FROM conversation_events")
    answers = [row["p"] for row in rows if '"job"' in row["p"]]
    assert len(answers) == 1
    assert [part.customer for part in shop.desk.parts] == [PERSON]


async def test_trust_h7_what_waits_to_be_sent_is_dropped(shop: Shop) -> None:
    shop.desk.may_send.clear()
    await shop.write()
    await shop.desk.sending.wait()

    assert (await shop.client.delete(shop.card)).status_code == 204
    assert await shop.count("timers") == 0
    assert await shop.count("outbox") == 0

    # The echo of the part that was under way comes before the call's own result.
    with pytest.raises(ShardUnavailableError):
        await shop.echo(f"{MID}.sent1")
    known = await shop.count("forgotten_events")
    shop.desk.may_send.set()
    forgotten = "SELECT count(*) FROM forgotten_events"
    await wait_for_count(shop.pool, forgotten, known + 1)
    await shop.echo(f"{MID}.sent1")
    assert await shop.count("conversations") == 0


async def test_trust_h7_an_erasure_may_be_repeated(shop: Shop) -> None:
    await shop.write()
    erased = CustomerErased(
        id=EventId(uuid4()),
        conversation_id=shop.conversation,
        at=SystemClock().now(),
    )
    assert not (await shop.api.shards.submit(erased)).is_duplicate
    assert (await shop.api.shards.submit(erased)).is_duplicate
    unknown = CustomerErased(
        id=EventId(uuid4()),
        conversation_id=shop.conversation,
        at=SystemClock().now(),
    )
    with pytest.raises(UnknownConversationError):
        await shop.api.shards.submit(unknown)


async def test_trust_h7_nobody_erases_anothers_customer(shop: Shop) -> None:
    await shop.write()
    bob = await shop.api.add_user("bob")
    async with connect(shop.api.build(), bob) as stranger:
        assert (await stranger.delete(shop.card)).status_code == 404
    assert await shop.count("customers") == 1
