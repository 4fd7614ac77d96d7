"""One message all the way through the real runtime, over HTTP and WebSocket."""

import time
from datetime import timedelta
from uuid import uuid4

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from deployments.integrations.sender import PAUSED
from persistence.database import Pool
from tests.cluster.conftest import (
    ACCOUNT,
    APP_SECRET,
    VERIFY_TOKEN,
    Shop,
)
from tests.support.servers.graph_server import GraphSend
from tests.support.servers.http_server import ANSWER_S
from tests.support.waiting import TIMEOUT_S, check_promise, time_limit, wait_for_count
from tests.support.webhooks import sign, text_webhook

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

QUESTION = "هزینه ارسال چقدره؟"
HOOK = "/webhooks/instagram/"


def post_webhook(shop: Shop, body: bytes, secret: str = APP_SECRET) -> httpx.Response:
    return httpx.post(
        f"{shop.runtime.url}{HOOK}",
        content=body,
        headers=sign(body, secret),
        timeout=ANSWER_S,
    )


def sends_to(shop: Shop, customer: str) -> list[GraphSend]:
    return [send for send in shop.graph.sends if send.recipient == customer]


def post_message(shop: Shop, key: str, visitor: dict[str, str]) -> None:
    httpx.post(
        f"{shop.runtime.url}/webhooks/website/{key}/messages/",
        json={**visitor, "content": QUESTION},
        timeout=ANSWER_S,
    ).raise_for_status()


def website_key(shop: Shop) -> str:
    return shop.website["channel_key"]


async def test_a_question_on_the_website_is_answered_from_the_shop_s_documents(
    shop: Shop,
) -> None:
    key, visitor = website_key(shop), shop.make_visitor()
    path = f"/ws/website/{key}/{visitor['visitor_id']}"
    socket = f"ws://127.0.0.1:{shop.runtime.port}{path}"
    offer = [Subprotocol("pilito.visitor"), Subprotocol(visitor["token"])]
    async with (
        connect(socket, subprotocols=offer, open_timeout=ANSWER_S) as live,
        httpx.AsyncClient(timeout=ANSWER_S) as client,
    ):
        answer = await client.post(
            f"{shop.runtime.url}/webhooks/website/{key}/messages/",
            json={**visitor, "content": QUESTION},
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        seen: list[dict[str, str]] = []
        async with time_limit(lambda: seen):
            while not seen or seen[-1]["author"] != "assistant":
                frame = orjson.loads(await live.recv())
                if frame["type"] == "message":
                    seen.append(frame)
    assert [frame["author"] for frame in seen] == ["customer", "assistant"]
    assert seen[0]["content"] == QUESTION
    # The demo shop's document on shipping costs says so.
    assert "۶۵ هزار تومان" in seen[1]["content"]


async def test_an_answer_can_be_traced_to_its_sources(shop: Shop, rows: Pool) -> None:
    made = shop.make_visitor()
    key, visitor = website_key(shop), made["visitor_id"]
    post_message(shop, key, made)
    count = (
        "SELECT count(*) FROM messages m JOIN conversations c ON c.id = "
        "m.conversation_id JOIN customers k ON k.id = c.customer_id "
        "WHERE k.platform_id = $1 AND m.type = 'AI'"
    )
    await wait_for_count(rows, count, 1, visitor)
    found = shop.api.get("/api/conversations/", params={"q": visitor}).json()
    (conversation,) = found["results"]
    messages = shop.api.get(f"/api/conversations/{conversation['id']}/messages/")
    answer = messages.json()["results"][-1]
    assert answer["is_ai_response"]
    assert answer["metadata"]["model"] == "extractive"
    assert answer["metadata"]["sources"]
    assert answer["metadata"]["retrieval_method"]
    assert answer["delivery"] == "sent"


async def test_a_signed_webhook_is_answered_once_and_its_copy_not_at_all(
    shop: Shop, rows: Pool
) -> None:
    customer, mid = uuid4().hex, f"m_{uuid4().hex}"
    body = text_webhook(ACCOUNT, customer, mid, QUESTION)
    first = post_webhook(shop, body)
    assert (first.status_code, first.text) == (200, "EVENT_RECEIVED")
    sent = "SELECT count(*) FROM outbox WHERE delivery = 'sent' AND conversation_id IN "
    mine = (
        "(SELECT c.id FROM conversations c JOIN customers k ON k.id = c.customer_id"
        " WHERE k.platform_id = $1)"
    )
    await wait_for_count(rows, sent + mine, 1, customer)
    (send,) = sends_to(shop, customer)
    assert "۶۵ هزار تومان" in send.text
    assert send.token == "the token"

    again = post_webhook(shop, body)
    assert again.status_code == httpx.codes.OK
    # Another customer's answer shows that the copy has had its time to do harm.
    other = uuid4().hex
    post_webhook(shop, text_webhook(ACCOUNT, other, f"m_{uuid4().hex}", QUESTION))
    await wait_for_count(rows, sent + mine, 1, other)
    assert len(sends_to(shop, customer)) == 1
    messages = (
        "SELECT count(*) FROM messages m JOIN conversations c ON c.id ="
        " m.conversation_id JOIN customers k ON k.id = c.customer_id"
        " WHERE k.platform_id = $1"
    )
    assert await rows.fetchval(messages, customer) == 2


async def test_what_waited_for_a_paused_channel_is_sent_when_it_goes_on(
    shop: Shop, rows: Pool
) -> None:
    account, customer = "17841400000000077", uuid4().hex
    shop.graph.accounts["another token"] = account
    created = shop.api.post(
        "/api/channels/",
        json={
            "kind": "instagram",
            "name": "a second account",
            "account_id": account,
            "access_token": "another token",
        },
    )
    assert created.status_code == httpx.codes.CREATED, created.text
    assert created.json()["connection"] == "connected"
    channel = f"/api/channels/{created.json()['id']}/"
    shop.api.patch(channel, json={"is_paused": True}).raise_for_status()
    body = text_webhook(account, customer, f"m_{uuid4().hex}", QUESTION)
    assert post_webhook(shop, body).status_code == httpx.codes.OK
    sends = (
        "SELECT count(*) FROM outbox o JOIN conversations c ON c.id = o.conversation_id"
        " JOIN customers k ON k.id = c.customer_id WHERE k.platform_id = $1"
    )
    held = f"{sends} AND o.delivery = 'queued' AND o.error = $2"
    await wait_for_count(rows, held, 1, customer, PAUSED)
    assert sends_to(shop, customer) == []

    shop.api.patch(channel, json={"is_paused": False}).raise_for_status()
    await wait_for_count(rows, f"{sends} AND o.delivery = 'sent'", 1, customer)
    (send,) = sends_to(shop, customer)
    assert send.token == "another token"


def test_a_wrong_signature_is_refused(shop: Shop) -> None:
    body = text_webhook(ACCOUNT, "mallory", "m_forged", QUESTION)
    assert post_webhook(shop, body, "a guess").status_code == 401
    url = f"{shop.runtime.url}{HOOK}"
    unsigned = httpx.post(url, content=body, timeout=ANSWER_S)
    assert unsigned.status_code == 401


def test_broken_json_is_refused(shop: Shop) -> None:
    answer = post_webhook(shop, b'{"entry": [')
    assert answer.status_code == 400
    assert answer.json()["detail"]


async def test_an_unknown_account_is_accepted_and_nothing_is_stored(
    shop: Shop, rows: Pool
) -> None:
    customer = uuid4().hex
    body = text_webhook("999", customer, f"m_{uuid4().hex}", QUESTION)
    assert post_webhook(shop, body).status_code == 200
    stored = "SELECT count(*) FROM customers WHERE platform_id = $1"
    assert await rows.fetchval(stored, customer) == 0


def test_meta_can_verify_the_webhook(shop: Shop) -> None:
    query = {
        "hub.mode": "subscribe",
        "hub.challenge": "1158201444",
        "hub.verify_token": VERIFY_TOKEN,
    }
    answer = shop.get(HOOK, **query)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    wrong = shop.get(HOOK, **query | {"hub.verify_token": "x"})
    assert wrong.status_code == 403


def test_a_new_document_is_found_within_two_seconds(shop: Shop) -> None:
    took_s = [find_new_document(shop) for _ in range(3)]
    check_promise(took_s, timedelta(seconds=2))


def find_new_document(shop: Shop) -> float:
    """Add a document; return how long after that a search did not find it yet."""
    word = f"کدویژه{uuid4().hex[:6]}"
    created = shop.api.post(
        "/api/knowledge/documents/",
        json={
            "source_type": "faq",
            "title": f"تخفیف {word} چیست؟",
            "text": f"با {word} هر خرید سی درصد ارزان‌تر می‌شود.",
        },
    )
    assert created.status_code == 201, created.text
    added_at = time.perf_counter()
    while (asked_after_s := time.perf_counter() - added_at) < TIMEOUT_S:
        found = shop.api.get("/api/knowledge/search/", params={"query": f"{word} چیه"})
        if word in found.json()["primary_context"]:
            return asked_after_s
    pytest.fail(f"{word} is not found after {asked_after_s:g} s")


def test_the_runtime_says_how_it_is(shop: Shop) -> None:
    assert shop.get("/healthz").status_code == 200
    shop.wait_until_parts("ok", "database", "shards", "retriever", "responder")
    shop.wait_until_parts("degraded", "reranker")
    metrics = shop.get("/metrics").text
    assert "messages_stored_total" in metrics
    assert "webhook_events_total" in metrics
