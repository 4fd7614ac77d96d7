"""What people and programs keep secret stands in no log of the whole runtime."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from deployments.runtime.runtime_dir import RuntimeDir
from persistence.database import Pool
from tests.cluster.conftest import ACCOUNT, APP_SECRET, Shop, wait_until
from tests.support.servers.http_server import ANSWER_S
from tests.support.waiting import wait_for_count
from tests.support.webhooks import sign, text_webhook

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

NOBODY = "http://127.0.0.1:1"
#: Nobody has connected it: that it is logged shows that the search finds what is there.
STRAY_ACCOUNT = "17841400000004711"


class Secrets(dict[str, str]):
    """Words that occur nowhere else, by what they are."""

    def __missing__(self, kind: str) -> str:
        """Make the word up when it is first asked for."""
        self[kind] = f"q{uuid4().hex}"
        return self[kind]


def call(
    shop: Shop,
    method: str,
    path: str,
    *,
    json: object = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Call without being signed in."""
    return httpx.request(
        method,
        f"{shop.runtime.url}{path}",
        json=json,
        content=content,
        headers=headers,
        timeout=ANSWER_S,
    )


async def follow(shop: Shop, path: str) -> None:
    """Open a WebSocket, and close it; a refusal is fine."""
    address = f"ws://127.0.0.1:{shop.runtime.port}{path}"
    try:
        async with connect(address, open_timeout=ANSWER_S):
            pass
    except WebSocketException:
        pass


async def sign_in_wrongly_and_well(shop: Shop, secrets: Secrets) -> None:
    wrong = {"username": secrets["a name"], "password": secrets["a wrong password"]}
    call(shop, "POST", "/api/token/", json=wrong)
    who = {"username": "demo", "password": "demo"}
    tokens = call(shop, "POST", "/api/token/", json=who).json()
    secrets["an access token"] = tokens["access"]
    secrets["a refresh token"] = tokens["refresh"]
    call(shop, "POST", "/api/token/refresh/", json={"refresh": tokens["refresh"]})
    call(shop, "POST", "/api/token/refresh/", json={"refresh": secrets["no token"]})
    await follow(shop, f"/ws/conversations/?token={tokens['access']}")
    await follow(shop, f"/ws/conversations/?token={secrets['no token of a window']}")


async def write_as_customers(shop: Shop, secrets: Secrets) -> str:
    """Write on both channels, well-formed and not; return Instagram's customer."""
    customer = secrets["an Instagram customer"]
    text = f"هزینه ارسال {secrets['a word of a customer']} چقدره؟"
    body = text_webhook(ACCOUNT, customer, f"m_{customer}", text)
    told = call(
        shop,
        "POST",
        "/webhooks/instagram/",
        content=body,
        headers=sign(body, APP_SECRET),
    )
    assert told.is_success
    wrong = {"X-Hub-Signature-256": f"sha256={secrets['a wrong signature']}"}
    call(shop, "POST", "/webhooks/instagram/", content=body, headers=wrong)
    cut = body[:-3]
    signed = sign(cut, APP_SECRET)
    call(shop, "POST", "/webhooks/instagram/", content=cut, headers=signed)
    stray = text_webhook(STRAY_ACCOUNT, customer, f"m_{customer}", text)
    signed = sign(stray, APP_SECRET)
    call(shop, "POST", "/webhooks/instagram/", content=stray, headers=signed)
    word = secrets["a word of Meta"]
    call(shop, "GET", f"/webhooks/instagram/?hub.verify_token={word}")
    channels = shop.api.get("/api/channels/").json()["results"]
    key = next(one["channel_key"] for one in channels if one["kind"] == "website")
    path = f"/webhooks/website/{key}/messages/"
    made = shop.make_visitor()
    visitor = secrets["a visitor"] = made["visitor_id"]
    secrets["a visitor's token"] = made["token"]
    for content in (secrets["a word of a visitor"], "", "x" * 5000):
        call(shop, "POST", path, json=made | {"content": content})
    stranger = {"visitor_id": secrets["a guessed visitor"], "content": "x"}
    call(shop, "POST", path, json=stranger)
    await follow(shop, f"/ws/website/{key}/{visitor}?token={made['token']}")
    return customer


def work_as_operator(shop: Shop, secrets: Secrets, customer: str) -> None:
    """Read, write and connect, also what is refused."""
    api = shop.api
    found = api.get("/api/conversations/", params={"q": customer}).json()["results"]
    for one in found:
        path = f"/api/conversations/{one['id']}/messages/"
        api.post(path, json={"content": secrets["a word of an operator"]})
    for path, name in (
        ("/api/conversations/", "q"),
        ("/api/customers/", "q"),
        ("/api/knowledge/search/", "query"),
        ("/api/knowledge/documents/", "q"),
    ):
        api.get(path, params={name: secrets[f"a word looked for at {path}"]})
    api.post(
        "/api/knowledge/documents/",
        json={"source_type": "faq", "title": "x", "text": secrets["a document"]},
    )
    token = f"123456:{secrets['the token of a bot']}"
    for new in (
        {"kind": "telegram", "name": "bot", "bot_token": token},
        {
            "kind": "instagram",
            "name": "other",
            "account_id": "17841400000000009",
            "access_token": secrets["the token of an account"],
        },
    ):
        made = api.post("/api/channels/", json=new)
        if made.is_success:
            api.delete(f"/api/channels/{made.json()['id']}/")


def watch(shop: Shop, secrets: Secrets) -> None:
    """Watch a service with secrets that nobody serves, and alert nobody of it."""
    api = shop.api
    hook = {
        "kind": "webhook",
        "name": "hook",
        "url": f"{NOBODY}/{secrets['the address of a hook']}",
        "secret": secrets["the secret of a hook"],
    }
    route = api.post("/api/monitor/alert-routes/", json=hook)
    service = api.post(
        "/api/monitor/services/",
        json={
            "name": uuid4().hex,
            "base_url": NOBODY,
            "failure_threshold": 1,
            "method": "POST",
            "headers": {"Authorization": f"Bearer {secrets['a header']}"},
            "body": secrets["the body of a check"],
        },
    )
    assert service.is_success, service.text
    service_path = f"/api/monitor/services/{service.json()['id']}/"
    api.post(f"{service_path}check/")
    alerts = f"/api/monitor/alerts/?service={service.json()['id']}"

    def is_tried() -> bool:
        found = api.get(alerts).json()["results"]
        return any(delivery["attempts"] for a in found for delivery in a["deliveries"])

    if route.is_success:
        wait_until(is_tried, last_value=lambda: api.get(alerts).text)
        api.delete(f"/api/monitor/alert-routes/{route.json()['id']}/")
    api.delete(service_path)


def find_secrets(files: Iterable[Path], secrets: Mapping[str, str]) -> list[str]:
    """Return which secret stands in which file, with its line."""
    found = []
    for file in files:
        text = file.read_bytes().decode("utf-8", "replace")
        for kind, secret in secrets.items():
            lines = [line for line in text.splitlines() if secret in line]
            found += [f"{kind} in {file.name}: {line[:600]}" for line in lines[:1]]
    return found


async def test_trust_l2_no_log_holds_a_token_a_visitor_or_a_word(
    shop: Shop, rows: Pool
) -> None:
    secrets = Secrets()
    await sign_in_wrongly_and_well(shop, secrets)
    customer = await write_as_customers(shop, secrets)
    answered = (
        "SELECT count(*) FROM messages m JOIN conversations c ON c.id ="
        " m.conversation_id JOIN customers k ON k.id = c.customer_id"
        " WHERE k.platform_id = $1 AND m.type = 'AI'"
    )
    await wait_for_count(rows, answered, 1, customer)
    work_as_operator(shop, secrets, customer)
    watch(shop, secrets)
    data_dir = shop.runtime.data_dir
    folders = (data_dir / "logs", RuntimeDir(data_dir).ray)
    files = [path for one in folders for path in one.rglob("*") if path.is_file()]
    logs = [path for path in files if path.suffix in {".log", ".out", ".err", ".1"}]
    assert {"web.log", "webhooks.log", "shards.log"} <= {path.name for path in logs}
    output = data_dir.parent / "output"
    output.write_text(shop.runtime.output, encoding="utf-8")
    assert find_secrets(logs, {"control": STRAY_ACCOUNT})
    assert find_secrets((*logs, output), secrets) == []
