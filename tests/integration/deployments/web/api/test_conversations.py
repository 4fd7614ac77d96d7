"""The inbox over the API: reading, answering, redirecting."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from actors.conversation.errors import ShardUnavailableError
from actors.conversation.events import (
    CustomerShared,
    Event,
    OperatorAnswered,
    share_message_id,
)
from actors.conversation.shard.envelope import Receipt
from actors.conversation.state import Source
from persistence.channels import ChannelKind
from persistence.ids import ConversationId, derive_conversation_id
from persistence.users import User
from tests.support.api import Api, LocalShards, add_channel, connect, write_as_customer

KEY = "Idempotency-Key"


@pytest.fixture
async def conversation_id(api: Api, app: FastAPI, alice: User) -> ConversationId:
    channel = await add_channel(app, alice.tenant_id)
    return await write_as_customer(api, channel, "visitor-7", "سلام، ارسال دارید؟")


async def test_the_inbox_shows_who_wrote_what_and_who_leads(
    client: httpx.AsyncClient, conversation_id: ConversationId
) -> None:
    page = (await client.get("/api/conversations/")).json()
    assert page["count"] == 1
    (conversation,) = page["results"]
    last_message = conversation.pop("last_message")
    assert last_message["content"] == "سلام، ارسال دارید؟"
    assert last_message["type"] == "customer"
    customer = conversation.pop("customer")
    assert customer["platform_id"] == "visitor-7"
    assert set(customer) == {
        "id",
        "platform_id",
        "first_name",
        "last_name",
        "username",
        "tags",
    }
    UUID(conversation.pop("channel_id"))
    assert conversation.pop("waiting_since") == last_message["created_at"]
    assert datetime.fromisoformat(conversation.pop("updated_at")).utcoffset() == (
        timedelta()
    )
    assert conversation == {
        "id": str(conversation_id),
        "status": "active",
        "ai_enabled": True,
        "department": None,
        "source": "website",
        "pending_share": None,
        "can_reply_until": None,
        "reply_right": {
            "holder": "ai",
            "until": None,
            "workflow_id": None,
            "run_id": None,
        },
        "needs_operator": False,
        "newest_position": 1024,
        "unread": True,
        "assignee": None,
        "snoozed_until": None,
    }
    shown = await client.get(f"/api/conversations/{conversation_id}/")
    assert shown.json() == page["results"][0] | {
        "last_message": last_message,
        "customer": customer,
        "channel_id": shown.json()["channel_id"],
        "waiting_since": last_message["created_at"],
        "updated_at": shown.json()["updated_at"],
    }


async def test_instagrams_window_ends_a_day_after_the_customer_wrote(
    client: httpx.AsyncClient, api: Api, app: FastAPI, alice: User
) -> None:
    channel = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")
    conversation_id = await write_as_customer(api, channel, "ig-1", "سلام")
    shown = (await client.get(f"/api/conversations/{conversation_id}/")).json()
    until = datetime.fromisoformat(shown["can_reply_until"])
    written = datetime.fromisoformat(shown["last_message"]["created_at"])
    assert until - written == timedelta(hours=24)


async def test_a_shared_post_shows_while_it_waits_for_its_question(
    client: httpx.AsyncClient, api: Api, app: FastAPI, alice: User
) -> None:
    channel = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")
    conversation_id = derive_conversation_id(channel.id, "ig-1")
    shared = CustomerShared(
        id=share_message_id(conversation_id, "m1"),
        conversation_id=conversation_id,
        at=api.clock.now(),
        tenant_id=alice.tenant_id,
        channel_id=channel.id,
        source=Source.INSTAGRAM,
        customer="ig-1",
        mid="m1",
        content="کپشن: مانتو",
    )
    await api.shards.submit(shared)
    path = f"/api/conversations/{conversation_id}/"
    waiting = (await client.get(path)).json()["pending_share"]
    assert waiting["message_id"] == str(shared.id)
    assert datetime.fromisoformat(waiting["due_at"]) == shared.at + timedelta(minutes=2)
    await write_as_customer(api, channel, "ig-1", "قیمتش؟", "m2")
    assert (await client.get(path)).json()["pending_share"] is None
    share, question = (await client.get(f"{path}messages/")).json()["results"]
    assert (share["message_type"], share["combined_content"]) == ("share", None)
    assert question["content"] == "قیمتش؟"
    assert question["combined_content"].endswith("[سوال کاربر]:\nقیمتش؟")


async def test_the_inbox_is_filtered_by_status_source_and_words(
    client: httpx.AsyncClient,
    api: Api,
    app: FastAPI,
    alice: User,
    conversation_id: ConversationId,
) -> None:
    channel = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")
    other = await write_as_customer(api, channel, "ig-1", "Do you ship abroad?")
    await client.post(f"/api/conversations/{other}/status/", json={"status": "closed"})
    for query, found in (
        ("status=active", [conversation_id]),
        ("status=closed", [other]),
        ("source=instagram", [other]),
        ("q=ABROAD", [other]),
        ("q=visitor", [conversation_id]),
        ("q=ارسال‌داريد", [conversation_id]),
        ("q=ارسال&status=closed", []),
        ("page=2", []),
        # As a form sends what nobody chose.
        ("status=&source=&q=", [other, conversation_id]),
    ):
        page = (await client.get(f"/api/conversations/?{query}")).json()
        assert [row["id"] for row in page["results"]] == [str(id_) for id_ in found]
    for query in ("status=asleep", "source=pigeon", "q=%00", f"q={'x' * 201}"):
        answer = await client.get(f"/api/conversations/?{query}")
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(query.partition("=")[0])


async def test_an_operators_answer_is_stored_and_the_ai_falls_silent(
    client: httpx.AsyncClient, api: Api, conversation_id: ConversationId, alice: User
) -> None:
    path = f"/api/conversations/{conversation_id}/messages/"
    answer = await client.post(path, json={"content": "بله، به همه‌جا."})
    assert answer.status_code == 201
    message = answer.json()
    assert message["type"] == "support"
    assert message["content"] == "بله، به همه‌جا."
    assert message["delivery"] == "sent"
    assert message["is_ai_response"] is False
    assert set(message) == {
        "id",
        "type",
        "message_type",
        "content",
        "combined_content",
        "processing_status",
        "is_ai_response",
        "platform_id",
        "delivery",
        "metadata",
        "position",
        "feedback",
        "feedback_comment",
        "created_at",
    }
    page = (await client.get(path)).json()
    assert [row["type"] for row in page["results"]] == ["customer", "support"]
    shown = (await client.get(f"/api/conversations/{conversation_id}/")).json()
    assert shown["status"] == "support_active"
    assert shown["ai_enabled"] is False
    event = api.shards.events[-1]
    assert isinstance(event, OperatorAnswered)
    assert event.user_id == alice.id


async def test_an_idempotency_key_makes_a_repeated_answer_one_message(
    client: httpx.AsyncClient, conversation_id: ConversationId
) -> None:
    path = f"/api/conversations/{conversation_id}/messages/"
    headers = {KEY: str(uuid4())}
    answers = [
        (await client.post(path, json={"content": "بله"}, headers=headers)).json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert (await client.get(path)).json()["count"] == 2
    await client.post(path, json={"content": "بله"})
    assert (await client.get(path)).json()["count"] == 3
    for _ in range(2):  # What is left empty names nothing.
        await client.post(path, json={"content": "بله"}, headers={KEY: ""})
    assert (await client.get(path)).json()["count"] == 5
    # The same key at another address is another event.
    redirected = await client.post(
        path.replace("messages", "redirect"),
        json={"destination": "ai"},
        headers=headers,
    )
    assert redirected.json()["status"] == "active"


@pytest.mark.parametrize(
    "body",
    [
        *({"content": text} for text in ("", " \n", "\u200b\u200c \u202b", "a\x00")),
        {},
        {"c": "x"},
    ],
)
async def test_an_empty_or_broken_answer_is_refused(
    client: httpx.AsyncClient, conversation_id: ConversationId, body: dict[str, str]
) -> None:
    path = f"/api/conversations/{conversation_id}/messages/"
    answer = await client.post(path, json=body)
    assert answer.status_code == 422
    assert "content" in answer.json()["detail"]


async def test_predecessor_fault_r4_a_redirect_keeps_the_department(
    client: httpx.AsyncClient, conversation_id: ConversationId
) -> None:
    path = f"/api/conversations/{conversation_id}/redirect/"
    for destination in ("support", "sales", "technical", "billing", "general"):
        moved = (await client.post(path, json={"destination": destination})).json()
        assert moved["status"] == "support_active"
        assert moved["ai_enabled"] is False
        assert moved["department"] == destination
    back = (await client.post(path, json={"destination": "ai"})).json()
    assert back["status"] == "active"
    assert back["ai_enabled"] is True
    assert back["department"] is None
    wrong = await client.post(path, json={"destination": "moon"})
    assert wrong.status_code == 422
    assert wrong.json()["detail"].startswith("destination: ")


async def test_the_status_can_be_set(
    client: httpx.AsyncClient, conversation_id: ConversationId
) -> None:
    path = f"/api/conversations/{conversation_id}/status/"
    for status in ("closed", "marketing_active", "support_active", "active"):
        answer = await client.post(path, json={"status": status})
        assert answer.json()["status"] == status
    assert (await client.post(path, json={"status": "x"})).status_code == 422


async def test_the_ai_is_switched_without_moving_the_conversation(
    client: httpx.AsyncClient, conversation_id: ConversationId
) -> None:
    path = f"/api/conversations/{conversation_id}/ai/"
    off = (await client.post(path, json={"ai_enabled": False})).json()
    assert (off["status"], off["ai_enabled"]) == ("active", False)
    assert off["needs_operator"] is True
    on = (await client.post(path, json={"ai_enabled": True})).json()
    assert (on["status"], on["ai_enabled"]) == ("active", True)
    for wrong in ({}, {"ai_enabled": "yes"}, {"ai_enabled": None}):
        answer = await client.post(path, json=wrong)
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith("ai_enabled: ")
    events = (await client.get(path.replace("/ai/", "/events/"))).json()
    switched = [one for one in events["results"] if one["kind"] == "AiSwitched"]
    assert len(switched) == 2


async def test_the_destinations_come_in_order_with_their_labels(
    client: httpx.AsyncClient,
) -> None:
    path = "/api/workflow/action-nodes/redirect_destinations/"
    assert (await client.get(path)).json() == [
        {"value": "ai", "label": "AI Assistant"},
        {"value": "support", "label": "Support"},
        {"value": "sales", "label": "Sales"},
        {"value": "technical", "label": "Technical"},
        {"value": "billing", "label": "Billing"},
        {"value": "general", "label": "General"},
    ]


async def test_x2_a_strangers_conversation_is_not_there(
    stranger: httpx.AsyncClient, api: Api, conversation_id: ConversationId
) -> None:
    seen = len(api.shards.events)
    for unknown in (conversation_id, uuid4()):
        path = f"/api/conversations/{unknown}/"
        answers = [
            await stranger.get(path),
            await stranger.get(f"{path}messages/"),
            await stranger.post(f"{path}messages/", json={"content": "x"}),
            await stranger.post(f"{path}redirect/", json={"destination": "ai"}),
            await stranger.post(f"{path}status/", json={"status": "closed"}),
            await stranger.post(f"{path}ai/", json={"ai_enabled": False}),
        ]
        assert [answer.status_code for answer in answers] == [404] * 6
    assert (await stranger.get("/api/conversations/")).json()["count"] == 0
    assert len(api.shards.events) == seen


class AwayShards(LocalShards):
    """Shards that are restarting."""

    async def submit(self, event: Event) -> Receipt:
        """Refuse the event for now."""
        message = f"{event.conversation_id}: its shard is restarting"
        raise ShardUnavailableError(message)


async def test_while_the_shard_is_away_the_caller_is_told_when_to_come_back(
    api: Api, alice: User, conversation_id: ConversationId
) -> None:
    api.shards = AwayShards(api.pool)
    async with connect(api.build(), alice) as client:
        answer = await client.post(
            f"/api/conversations/{conversation_id}/messages/", json={"content": "x"}
        )
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert "restarting" in answer.json()["detail"]
