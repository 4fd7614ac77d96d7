"""The proof of an answer: shown to the shop, kept out of lists, erasable."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from actors.conversation.events import MessageUnsent
from actors.conversation.ports import AnswerJob, WrittenAnswer
from actors.conversation.rules.policy import Policy
from actors.conversation.state import Source
from actors.conversation.trace import AnswerTrace, PromptMessage
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import ConversationId, EventId
from persistence.users import User
from tests.support.api import Api, LocalShards, add_channel, connect, write_as_customer
from tests.support.waiting import wait_for_count

SECRET = "کارت من ۶۰۳۷ است، لباس برای عروسی می‌خواهم"
TRACE = AnswerTrace(
    model="a-model",
    fallback_reason="",
    prompt_hash="0" * 64,
    prompt=(PromptMessage("system", "قانون"), PromptMessage("user", SECRET)),
    questions=(SECRET,),
    # Half of an emoji and NUL: a model may write them, and PostgreSQL takes neither.
    faults=("figure: ۴۵\x00\ud83d",),
    understanding={"acts": ["question"], "language": "fa", "subject": {"text": SECRET}},
)


class ThoughtfulResponder:
    """Answers with a proof."""

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Answer."""
        assert job.question_ids
        return WrittenAnswer("یک جواب", trace=TRACE)


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation with one answer."""

    channel: Channel
    conversation_id: ConversationId
    messages: str
    answer: str

    @property
    def proof(self) -> str:
        """The path of the answer's proof."""
        return f"/api/messages/{self.answer}/proof/"


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    at_once = Policy(reply_debounce=timedelta(0))
    shards = LocalShards(pool, responder=ThoughtfulResponder(), policy=at_once)
    await shards.shard.start()
    yield Api(pool, shards)
    await shards.shard.stop()


@pytest.fixture
async def thread(
    client: httpx.AsyncClient, api: Api, app: FastAPI, pool: Pool, alice: User
) -> Thread:
    channel = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")
    conversation_id = await write_as_customer(api, channel, "sara", SECRET)
    await wait_for_count(pool, "SELECT count(*) FROM messages WHERE type = 'AI'", 1)
    path = f"/api/conversations/{conversation_id}/messages/"
    rows = (await client.get(path)).json()["results"]
    (answer,) = (row["id"] for row in rows if row["type"] == "AI")
    return Thread(channel, conversation_id, path, answer)


async def test_the_shop_reads_what_an_answer_rests_on(
    client: httpx.AsyncClient, thread: Thread
) -> None:
    proof = (await client.get(thread.proof)).json()
    assert proof == {
        "message_id": thread.answer,
        "is_erased": False,
        "prompt": [
            {"role": "system", "content": "قانون"},
            {"role": "user", "content": SECRET},
        ],
        "questions": [SECRET],
        "understanding": TRACE.understanding,
        "faults": ["figure: ۴۵?"],
    }


async def test_lists_and_history_hold_no_proof(
    client: httpx.AsyncClient, thread: Thread, pool: Pool
) -> None:
    rows = (await client.get(thread.messages)).json()["results"]
    (metadata,) = (row["metadata"] for row in rows if row["type"] == "AI")
    assert metadata["model"] == "a-model"
    assert {"prompt", "questions", "understanding", "faults"}.isdisjoint(metadata)
    payload = await pool.fetchval(
        "SELECT payload::text FROM conversation_events WHERE kind = 'ReplyWritten'"
    )
    assert SECRET not in str(payload)


async def test_an_unsent_message_takes_the_proofs_of_its_conversation_with_it(
    client: httpx.AsyncClient, api: Api, thread: Thread, pool: Pool
) -> None:
    await api.shards.submit(
        MessageUnsent(
            id=EventId(uuid4()),
            conversation_id=thread.conversation_id,
            at=api.clock.now(),
            tenant_id=thread.channel.tenant_id,
            channel_id=thread.channel.id,
            source=Source.INSTAGRAM,
            customer="sara",
            mid="m1",
        )
    )
    proof = (await client.get(thread.proof)).json()
    assert proof["is_erased"]
    assert not any(proof[name] for name in ("prompt", "questions", "faults"))
    for table in ("answer_proofs", "messages", "conversation_events"):
        stored = await pool.fetch(f"SELECT t::text FROM {table} AS t")  # noqa: S608
        assert not [row for row in stored if SECRET in row["t"]], table


async def test_a_message_without_a_proof_shows_an_empty_one(
    client: httpx.AsyncClient, thread: Thread
) -> None:
    rows = (await client.get(thread.messages)).json()["results"]
    (question,) = (row["id"] for row in rows if row["type"] == "customer")
    proof = (await client.get(f"/api/messages/{question}/proof/")).json()
    assert (proof["prompt"], proof["is_erased"]) == ([], False)


async def test_another_shop_reads_no_proof(
    app: FastAPI, api: Api, thread: Thread
) -> None:
    stranger = await api.add_user("mallory")
    async with connect(app, stranger) as client:
        assert (await client.get(thread.proof)).status_code == 404
