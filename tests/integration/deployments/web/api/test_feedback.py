"""Feedback: answers of the AI are rated, and nothing else is."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from actors.conversation.ports import AnswerJob, WrittenAnswer
from actors.conversation.rules.policy import Policy
from persistence.database import Pool
from persistence.users import User
from tests.support.api import Api, LocalShards, add_channel, write_as_customer
from tests.support.waiting import wait_for_count


class PoliteResponder:
    """Answers everything."""

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Answer."""
        return WrittenAnswer(f"answer to {len(job.question_ids)}")


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    at_once = Policy(reply_debounce=timedelta(0))
    shards = LocalShards(pool, responder=PoliteResponder(), policy=at_once)
    await shards.shard.start()
    yield Api(pool, shards)
    await shards.shard.stop()


@pytest.fixture
async def thread(
    client: httpx.AsyncClient, api: Api, app: FastAPI, pool: Pool, alice: User
) -> dict[str, str]:
    """A question, the AI's answer, an operator's answer: the path of each."""
    channel = await add_channel(app, alice.tenant_id)
    conversation_id = await write_as_customer(api, channel, "sara", "سلام")
    await wait_for_count(pool, "SELECT count(*) FROM messages WHERE type = 'AI'", 1)
    path = f"/api/conversations/{conversation_id}/messages/"
    await client.post(path, json={"content": "بله"})
    return {
        row["type"]: f"/api/messages/{row['id']}/feedback/"
        for row in (await client.get(path)).json()["results"]
    } | {"list": path}


async def test_an_answer_of_the_ai_is_rated_and_rated_anew(
    client: httpx.AsyncClient, thread: dict[str, str]
) -> None:
    body = {"feedback": "negative", "comment": "قیمت غلط بود"}
    answer = await client.post(thread["AI"], json=body)
    assert answer.status_code == 200
    assert answer.json()["feedback"] == "negative"
    assert answer.json()["feedback_comment"] == "قیمت غلط بود"
    listed = (await client.get(thread["list"])).json()["results"]
    assert answer.json() in listed
    for feedback in ("positive", "none"):
        again = (await client.post(thread["AI"], json={"feedback": feedback})).json()
        assert (again["feedback"], again["feedback_comment"]) == (feedback, "")


@pytest.mark.parametrize(
    ("kind", "writer"), [("customer", "the customer"), ("support", "a colleague")]
)
async def test_what_people_wrote_is_not_rated_and_the_answer_says_so(
    client: httpx.AsyncClient, thread: dict[str, str], kind: str, writer: str
) -> None:
    answer = await client.post(thread[kind], json={"feedback": "positive"})
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "feedback: only answers of the AI are rated;"
        f" this message was written by {writer}"
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"feedback": "great"}, "feedback"),
        ({}, "feedback"),
        ({"feedback": "positive", "comment": "x" * 2001}, "comment"),
        ({"feedback": "positive", "comment": "\x00"}, "comment"),
        ({"feedback": "positive", "stars": 5}, "stars"),
    ],
)
async def test_a_bad_rating_names_its_field(
    client: httpx.AsyncClient,
    thread: dict[str, str],
    body: dict[str, object],
    field: str,
) -> None:
    answer = await client.post(thread["AI"], json=body)
    assert answer.status_code == 422
    assert field in answer.json()["fields"]


async def test_x2_a_stranger_rates_nothing(
    stranger: httpx.AsyncClient, client: httpx.AsyncClient, thread: dict[str, str]
) -> None:
    before = (await client.get(thread["list"])).json()
    for kind in ("AI", "customer"):
        answer = await stranger.post(thread[kind], json={"feedback": "negative"})
        assert answer.status_code == 404
    assert (await client.get(thread["list"])).json() == before
