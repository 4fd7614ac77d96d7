"""What each operator has read."""

import httpx
import pytest

from persistence.channels import Channel
from persistence.ids import ConversationId
from persistence.users import User
from tests.support.api import Api, write_as_customer
from tests.support.conversation.tables import count_rows

INBOX = "/api/conversations/"


async def is_unread(
    client: httpx.AsyncClient, conversation_id: ConversationId
) -> object:
    shown = (await client.get(f"{INBOX}{conversation_id}/")).json()["unread"]
    for query in ("", "&waiting=true", "&needs_operator=true", "&order=waits_longest"):
        for wanted in (True, False):
            url = f"{INBOX}?unread={wanted}{query}"
            page = (await client.get(url)).json()
            rows = {row["id"]: row["unread"] for row in page["results"]}
            assert rows.get(str(conversation_id), shown) == shown
            assert set(rows.values()) <= {wanted}
            assert page["count"] == len(rows)
    page = (await client.get(f"{INBOX}?unread={shown}")).json()
    assert str(conversation_id) in {row["id"] for row in page["results"]}
    return shown


async def mark(
    client: httpx.AsyncClient, conversation_id: ConversationId, position: object
) -> httpx.Response:
    path = f"{INBOX}{conversation_id}/read/"
    return await client.post(path, json={"position": position})


async def test_news_are_unread_for_each_person_until_they_have_read_them(
    client: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    api: Api,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    assert await is_unread(client, conversation_id) is True
    marked = await mark(client, conversation_id, 1024)
    assert (marked.status_code, marked.json()["unread"]) == (200, False)
    assert await is_unread(client, conversation_id) is False
    assert await is_unread(colleague, conversation_id) is True
    await write_as_customer(api, channel, "visitor-7", "هستید؟", "m2")
    assert await is_unread(client, conversation_id) is True
    # An older window reports what it has shown: the mark stays where it is.
    await mark(client, conversation_id, 2048)
    assert (await mark(client, conversation_id, 1024)).json()["unread"] is False
    assert await is_unread(client, conversation_id) is False


async def test_own_answers_are_read_and_those_of_colleagues_are_news(
    client: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    conversation_id: ConversationId,
) -> None:
    await mark(client, conversation_id, 1024)
    await mark(colleague, conversation_id, 1024)
    await client.post(
        f"{INBOX}{conversation_id}/messages/", json={"content": "یک لحظه"}
    )
    assert await is_unread(client, conversation_id) is False
    assert await is_unread(colleague, conversation_id) is True


async def test_a_person_makes_it_unread_again_for_themselves(
    client: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    conversation_id: ConversationId,
) -> None:
    await mark(client, conversation_id, 1024)
    await mark(colleague, conversation_id, 1024)
    path = f"{INBOX}{conversation_id}/read/"
    for _ in range(2):
        assert (await client.delete(path)).status_code == 204
        assert await is_unread(client, conversation_id) is True
    assert await is_unread(colleague, conversation_id) is False


async def test_what_is_still_to_come_is_not_read_in_advance(
    client: httpx.AsyncClient,
    api: Api,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    assert (await mark(client, conversation_id, 2**62)).status_code == 200
    await write_as_customer(api, channel, "visitor-7", "هستید؟", "m2")
    assert await is_unread(client, conversation_id) is True


@pytest.mark.parametrize("position", [-1, 2**63, "5", None, True])
async def test_what_is_no_position_is_refused(
    client: httpx.AsyncClient, conversation_id: ConversationId, position: object
) -> None:
    refused = await mark(client, conversation_id, position)
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("position: ")


async def test_another_business_marks_nothing(
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    api: Api,
    conversation_id: ConversationId,
) -> None:
    await mark(client, conversation_id, 1024)
    assert (await mark(stranger, conversation_id, 1)).status_code == 404
    path = f"{INBOX}{conversation_id}/read/"
    assert (await stranger.delete(path)).status_code == 404
    assert await count_rows(api.pool, "read_marks") == 1


async def test_marks_go_with_the_customer_and_with_the_person(
    client: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    api: Api,
    carol: User,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    other = await write_as_customer(api, channel, "visitor-8", "سلام")
    for key in (conversation_id, other):
        await mark(client, key, 1024)
        await mark(colleague, key, 1024)
    shown = (await client.get(f"{INBOX}{other}/")).json()
    erased = await client.delete(f"/api/customers/{shown['customer']['id']}/")
    assert erased.status_code == 204
    assert await count_rows(api.pool, "read_marks") == 2
    assert (await client.delete(f"/api/users/{carol.id}/")).status_code == 204
    assert await count_rows(api.pool, "read_marks") == 1
