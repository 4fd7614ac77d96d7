"""Notes among colleagues, which nothing brings to the customer or to the AI."""

from uuid import uuid4

import httpx
import pytest

from persistence.channels import Channel
from persistence.ids import ConversationId
from persistence.messages import (
    fetch_chat_news,
    fetch_latest_messages,
    fetch_recent_turns,
)
from persistence.users import User
from tests.support.api import Api, write_as_customer
from tests.support.conversation.stored_history import replay_stored
from tests.support.conversation.tables import count_rows, dump_tables

SECRET_WORDS = "به این مشتری تخفیف ندهید"


def path_of(conversation_id: ConversationId) -> str:
    return f"/api/conversations/{conversation_id}/notes/"


async def test_notes_stand_in_the_thread_by_their_position(
    client: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    api: Api,
    alice: User,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    path = path_of(conversation_id)
    first = await client.post(path, json={"content": SECRET_WORDS})
    assert first.status_code == 201
    note = first.json()
    assert note.keys() == {
        "id",
        "position",
        "user_id",
        "username",
        "content",
        "created_at",
    }
    assert (note["username"], note["user_id"]) == ("alice", str(alice.id))
    await write_as_customer(api, channel, "visitor-7", "هستید؟", "m2")
    second = (await colleague.post(path, json={"content": "باشد"})).json()
    page = (await colleague.get(path)).json()
    assert (page["count"], page["results"]) == (2, [note, second])
    thread = (await client.get(path.replace("notes", "messages"))).json()["results"]
    before, behind = (message["position"] for message in thread)
    assert before < note["position"] < behind < second["position"]
    paged = (await client.get(f"{path}?page_size=1")).json()
    assert (await client.get(paged["next"])).json()["results"] == [second]
    assert await replay_stored(api.pool, conversation_id) == ()


async def test_a_note_is_no_message_no_answer_and_no_news(
    client: httpx.AsyncClient, api: Api, alice: User, conversation_id: ConversationId
) -> None:
    shown = f"/api/conversations/{conversation_id}/"
    before = (await client.get(shown)).json()
    await client.post(path_of(conversation_id), json={"content": SECRET_WORDS})
    after = (await client.get(shown)).json()
    assert after == before | {"updated_at": after["updated_at"]}
    # Neither the visitor's page nor the AI reads anything but these.
    news = await fetch_chat_news(api.pool, {conversation_id: 0}, 100)
    turns = await fetch_recent_turns(
        api.pool, alice.tenant_id, conversation_id, (), 100
    )
    latest = await fetch_latest_messages(api.pool, conversation_id, 100)
    assert [len(found) for found in (news, turns, latest)] == [1, 1, 1]
    assert await count_rows(api.pool, "outbox") == 0
    # It stands in the notes and in the history, which only operators read.
    dump = await dump_tables(api.pool)
    holders = {table for table, rows in dump.items() if SECRET_WORDS in rows}
    assert holders == {"notes", "conversation_events"}
    # An answer that has seen the last message is not stopped by a note behind it.
    answer = await client.post(
        f"{shown}messages/",
        json={"content": "بله", "seen_position": before["newest_position"]},
    )
    assert answer.status_code == 201


async def test_a_repeated_note_is_one_note(
    client: httpx.AsyncClient, conversation_id: ConversationId
) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    path = path_of(conversation_id)
    notes = [
        (await client.post(path, json={"content": "یک"}, headers=headers)).json()
        for _ in range(2)
    ]
    assert notes[0] == notes[1]
    assert (await client.get(path)).json()["count"] == 1


@pytest.mark.parametrize("content", ["", " \n", "a\x00", "x" * 10_001, None])
async def test_an_empty_or_broken_note_is_refused(
    client: httpx.AsyncClient, conversation_id: ConversationId, content: object
) -> None:
    refused = await client.post(path_of(conversation_id), json={"content": content})
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("content: ")


async def test_notes_outlive_their_author_and_go_with_the_customer(
    client: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    api: Api,
    carol: User,
    conversation_id: ConversationId,
) -> None:
    path = path_of(conversation_id)
    await colleague.post(path, json={"content": SECRET_WORDS})
    await client.delete(f"/api/users/{carol.id}/")
    (note,) = (await client.get(path)).json()["results"]
    assert (note["username"], note["content"]) == (None, SECRET_WORDS)
    shown = (await client.get(path.replace("notes/", ""))).json()
    await client.delete(f"/api/customers/{shown['customer']['id']}/")
    assert (await client.get(path)).status_code == 404
    assert SECRET_WORDS not in str(await dump_tables(api.pool))


async def test_another_business_neither_reads_nor_writes_notes(
    stranger: httpx.AsyncClient, conversation_id: ConversationId
) -> None:
    path = path_of(conversation_id)
    assert (await stranger.get(path)).status_code == 404
    refused = await stranger.post(path, json={"content": "x"})
    assert refused.status_code == 404
