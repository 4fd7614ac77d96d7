"""Webhooks of workflows: signed, named, walled, and read as far as they are asked."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import httpx
import orjson
import pytest

from actors.clock import SystemClock
from actors.monitor.checks.ssrf_guard import EgressPolicy
from actors.workflow.run import StepDone, StepFailed
from config.settings import Settings
from deployments.egress import build_egress_policy
from deployments.http.signing import sign
from deployments.workflows.webhook import (
    BAD_BODY,
    COMPRESSED,
    MAX_ANSWER_BYTES,
    NO_ANSWER,
    NOT_JSON,
    TOO_LARGE,
    WebhookCaller,
    pick_values,
)
from persistence.database import Pool
from persistence.tenants import create_tenant
from persistence.workflow_secrets import require_signing_secret
from tests.house.test_house import ROOT
from tests.integration.deployments.workflows.work import (
    RUN,
    build_call,
    build_task,
    build_worker,
    open_client,
)
from tests.support.clock import NOON, FakeClock
from tests.support.monitors import CIPHER
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    Request,
    answer,
    drip,
    misbehaving_server,
    redirect,
    reset,
    stream_for_ever,
    talk_nonsense,
)

SECRET = "the secret of the shop's webhooks"
ORDER = {
    "order": {"id": 12345, "state": "sent", "price": 99.5, "paid": True},
    "items": [{"name": "مانتو"}, {"name": "شال"}],
    "note": None,
    "nul": "a\x00b",
    "long": "x" * 3000,
}
SAVED = {
    "state": "order.state",
    "id": "order.id",
    "price": "order.price",
    "paid": "order.paid",
    "second": "items.1.name",
    "third": "items.2.name",
    "worded": "items.first.name",
    "below": "items.-1.name",
    "note": "note",
    "missing": "order.address.city",
    "part": "items.0",
    "nul": "nul",
    "long": "long",
}
PICKED = {
    "state": "sent",
    "id": "12345",
    "price": "99.5",
    "paid": "true",
    "second": "شال",
    "third": "",
    "worded": "",
    "below": "",
    "note": "",
    "missing": "",
    "part": '{"name":"مانتو"}',
    "nul": "ab",
    "long": "x" * 1000,
}


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client() as client:
        yield client


@pytest.fixture
def caller(client: httpx.AsyncClient) -> WebhookCaller:
    return WebhookCaller(client, timeout_s=60)


async def call(
    caller: WebhookCaller, url: str, save: dict[str, str] | None = None
) -> StepDone | StepFailed:
    work = build_call(url, save=save)
    return await caller.call(build_task(work), work, SECRET, NOON)


async def test_a_call_is_signed_and_named(
    caller: WebhookCaller, http: MisbehavingServer
) -> None:
    work = build_call(http.on("/hook?a=1", answer(204, b"")))
    http.on("/hook", answer(204, b""))
    done = await caller.call(build_task(work, step=5), work, SECRET, NOON)
    assert done == StepDone(5, detail="HTTP 204")
    (request,) = http.requests
    assert (request.method, request.path) == ("POST", "/hook?a=1")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-pilito-timestamp"] == str(int(NOON.timestamp()))
    wanted = sign(SECRET, request.headers["x-pilito-timestamp"], request.body)
    assert request.headers["x-pilito-signature"] == wanted
    assert request.headers["idempotency-key"] == f"{RUN}:5"
    assert request.body == b'{"order": 7}'


def read_page() -> str:
    return (ROOT / "docs" / "workflow-webhooks.md").read_text(encoding="utf-8")


def test_the_page_shows_what_is_kept_of_an_answer() -> None:
    shown = re.search(r"With `(.+)` the answer\n`(.+)` gives", read_page())
    assert shown is not None
    picked = pick_values(shown[2].encode(), orjson.loads(shown[1]))
    assert picked == {"state": "sent", "first": "coat"}


async def test_the_page_shows_how_a_receiver_checks_a_call(
    caller: WebhookCaller, http: MisbehavingServer
) -> None:
    code = re.search(r"```python\n(.*?)```", read_page(), re.DOTALL)
    assert code is not None
    shown: dict[str, Callable[[dict[str, str], bytes, str], bool]] = {}
    exec(code[1], shown)  # noqa: S102 - the page's own example
    work = build_call(http.on("/hook", answer()))
    for at in (now := SystemClock().now(), now - timedelta(hours=1)):
        await caller.call(build_task(work), work, SECRET, at)
    fresh, old = (
        {"-".join(map(str.capitalize, name.split("-"))): value for name, value in items}
        for items in (request.headers.items() for request in http.requests)
    )
    check, body = shown["is_from_pilito"], http.requests[0].body
    assert check(fresh, body, SECRET)
    assert not check(old, body, SECRET)
    assert not check(fresh, body + b" ", SECRET)
    assert not check(fresh, body, "another secret")


async def test_attempts_have_one_key_and_times_of_their_own(
    caller: WebhookCaller, http: MisbehavingServer
) -> None:
    work = build_call(http.on("/hook", answer(503)))
    for attempt in (1, 2):
        at = NOON + timedelta(minutes=attempt)
        task = build_task(work, attempt=attempt)
        assert await caller.call(task, work, SECRET, at) == StepFailed(3, "HTTP 503")
    first, second = (request.headers for request in http.requests)
    assert first["idempotency-key"] == second["idempotency-key"]
    assert first["x-pilito-timestamp"] < second["x-pilito-timestamp"]


async def test_a_get_has_no_body(
    caller: WebhookCaller, http: MisbehavingServer
) -> None:
    work = build_call(http.on("/hook", answer(200)), method="GET", body="not read")
    done = await caller.call(build_task(work), work, SECRET, NOON)
    assert isinstance(done, StepDone)
    (request,) = http.requests
    assert (request.method, request.body) == ("GET", b"")
    wanted = sign(SECRET, request.headers["x-pilito-timestamp"], b"")
    assert request.headers["x-pilito-signature"] == wanted


@pytest.mark.parametrize(
    ("status", "is_permanent"),
    [
        (301, True),
        (400, True),
        (401, True),
        (404, True),
        (408, False),
        (410, True),
        (422, True),
        (425, False),
        (429, False),
        (500, False),
        (502, False),
        (503, False),
    ],
)
async def test_a_refusal_is_retried_where_it_may_pass(
    caller: WebhookCaller, http: MisbehavingServer, status: int, is_permanent: bool
) -> None:
    failed = await call(caller, http.on("/hook", answer(status, b"SECRET WORDS")))
    assert isinstance(failed, StepFailed)
    assert failed.is_permanent is is_permanent
    assert f"HTTP {status}" in failed.reason
    assert "SECRET" not in failed.reason


async def test_what_is_asked_for_is_kept_as_texts(
    caller: WebhookCaller, http: MisbehavingServer
) -> None:
    url = http.on("/hook", answer(200, orjson.dumps(ORDER)))
    assert await call(caller, url, SAVED) == StepDone(3, PICKED, detail="HTTP 200")


@pytest.mark.parametrize("content", [b"", b"<html>", b"[1,", b"[" * 5000 + b"]" * 5000])
async def test_an_answer_that_is_no_json_fails_only_where_it_is_read(
    caller: WebhookCaller, http: MisbehavingServer, content: bytes
) -> None:
    url = http.on("/hook", answer(200, content))
    assert await call(caller, url) == StepDone(3, detail="HTTP 200")
    failed = await call(caller, url, {"a": "b"})
    assert failed == StepFailed(3, NOT_JSON, is_permanent=True)


async def test_an_answer_is_read_up_to_its_limit(
    caller: WebhookCaller, http: MisbehavingServer
) -> None:
    most = b'"' + b"x" * (MAX_ANSWER_BYTES - 2) + b'"'
    url = http.on("/hook", answer(200, most))
    assert await call(caller, url, {"a": "b"}) == StepDone(
        3, {"a": ""}, detail="HTTP 200"
    )
    for handler in (answer(200, most + b" "), stream_for_ever):
        failed = await call(caller, http.on("/hook", handler), {"a": "b"})
        assert failed == StepFailed(3, TOO_LARGE, is_permanent=True)
    # Nobody waits for the end of an answer that is not read.
    assert await call(caller, url) == StepDone(3, detail="HTTP 200")


async def test_a_compressed_answer_is_not_unpacked(
    caller: WebhookCaller, http: MisbehavingServer
) -> None:
    bomb = gzip.compress(b"x" * 10_000_000)
    url = http.on("/hook", answer(200, bomb, content_encoding="gzip"))
    failed = await call(caller, url, {"a": "b"})
    assert failed == StepFailed(3, COMPRESSED, is_permanent=True)
    assert http.requests[0].headers["accept-encoding"] == "identity"


async def test_an_answer_that_never_ends_is_given_up(
    client: httpx.AsyncClient, http: MisbehavingServer
) -> None:
    hasty = WebhookCaller(client, timeout_s=0.3)
    failed = await call(hasty, http.on("/hook", drip), {"a": "b"})
    assert failed == StepFailed(3, NO_ANSWER)


@pytest.mark.parametrize("handler", [reset, talk_nonsense])
async def test_a_broken_answer_is_retried_and_not_quoted(
    caller: WebhookCaller, http: MisbehavingServer, handler: object
) -> None:
    failed = await call(caller, http.on("/hook", handler))  # type: ignore[arg-type]
    assert isinstance(failed, StepFailed)
    assert not failed.is_permanent
    assert "220" not in failed.reason


async def test_nobody_at_the_address_is_retried(caller: WebhookCaller) -> None:
    failed = await call(caller, "http://127.0.0.1:1/")
    assert failed == StepFailed(3, "the connection was refused")


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "https://user:word@example.com/", "https:///", "no"]
)
async def test_an_address_that_is_none_is_refused(
    caller: WebhookCaller, url: str
) -> None:
    failed = await call(caller, url)
    assert isinstance(failed, StepFailed)
    assert failed.is_permanent
    assert failed.reason.startswith("url: ")
    assert "word" not in failed.reason.replace("password", "")


async def test_a_body_that_is_no_json_is_not_sent(
    caller: WebhookCaller, http: MisbehavingServer
) -> None:
    work = build_call(http.on("/hook", answer()), body='{"name": }')
    failed = await caller.call(build_task(work), work, SECRET, NOON)
    assert failed == StepFailed(3, BAD_BODY, is_permanent=True)
    assert http.requests == []


async def test_a_redirect_is_named_and_not_followed(
    caller: WebhookCaller, http: MisbehavingServer
) -> None:
    there = http.on("/there", answer())
    for status in (301, 302, 307, 308):
        failed = await call(caller, http.on("/hook", redirect(there, status)))
        assert isinstance(failed, StepFailed)
        assert failed.is_permanent
        assert "it redirects" in failed.reason
    assert {request.path for request in http.requests} == {"/hook"}


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://0.0.0.0/",
        "http://[::ffff:169.254.169.254]/",
    ],
)
async def test_predecessor_faults_x4_a_workflow_can_not_be_turned_against_the_host(
    caller: WebhookCaller, url: str
) -> None:
    failed = await call(caller, url, {"a": "b"})
    assert isinstance(failed, StepFailed)
    assert failed.is_permanent


async def test_trust_h2_a_workflow_reaches_nothing_inside_where_others_sign_in(
    pool: Pool, http: MisbehavingServer
) -> None:
    await create_tenant(pool, "only")
    url = http.on("/hook", answer(200, b'{"k": "SECRET"}'))
    policies = {
        "public": build_egress_policy(Settings(public_url="https://a.example"), pool),
        "own port": build_egress_policy(Settings(http_port=http.port), pool),
        "second": build_egress_policy(Settings(), pool),
    }
    second = await create_tenant(pool, "second")
    for name, policy in policies.items():
        work = build_call(url, save={"k": "k"})
        worker = build_worker(pool, policy=policy)
        failed = await worker.perform(build_task(work, second.id))
        assert isinstance(failed, StepFailed), name
        assert failed.is_permanent, name
        assert "SECRET" not in failed.reason
    assert http.requests == []


async def test_trust_h2_a_workflow_reaches_this_machine_under_no_spelling(
    pool: Pool, http: MisbehavingServer
) -> None:
    tenant = await create_tenant(pool, "shop")
    policy = EgressPolicy(allow_private=False)
    for host in ("localhost", "127.0.0.1", "[::1]", "2130706433"):
        work = build_call(f"http://{host}:{http.port}/hook")
        failed = await build_worker(pool, policy=policy).perform(
            build_task(work, tenant.id)
        )
        assert isinstance(failed, StepFailed), host
        assert failed.is_permanent, host
    assert http.requests == []


async def test_each_tenant_signs_with_its_own_secret(
    pool: Pool, http: MisbehavingServer
) -> None:
    work = build_call(http.on("/hook", answer()))
    worker, seen = build_worker(pool), set[str]()
    for name in ("first", "second"):
        tenant = await create_tenant(pool, name)
        # Two at once make one secret.
        await asyncio.gather(
            *(worker.perform(build_task(work, tenant.id)) for _ in range(2))
        )
        signing = await require_signing_secret(pool, CIPHER, tenant.id, NOON)
        requests, http.requests = http.requests, []
        for request in requests:
            wanted = sign(
                signing.secret, request.headers["x-pilito-timestamp"], request.body
            )
            assert request.headers["x-pilito-signature"] == wanted
        assert len(requests) == 2
        seen.add(signing.secret)
    assert len(seen) == 2
    stored = await pool.fetch("SELECT secret FROM workflow_signing_secrets")
    assert len(stored) == 2
    assert not any(
        secret.encode() in row["secret"] for row in stored for secret in seen
    )


async def test_a_cookie_of_one_tenant_is_told_no_other(
    pool: Pool, http: MisbehavingServer
) -> None:
    work = build_call(http.on("/hook", answer(200, b"ok", set_cookie="session=1")))
    worker = build_worker(pool, clock=FakeClock())
    for name in ("first", "second"):
        tenant = await create_tenant(pool, name)
        await worker.perform(build_task(work, tenant.id))
    assert all("cookie" not in one.headers for one in http.requests)
    assert len(http.requests) == 2


async def test_a_call_that_is_under_way_ends_with_its_worker(
    caller: WebhookCaller, http: MisbehavingServer
) -> None:
    begun = asyncio.Event()

    async def hang(_request: Request, _writer: asyncio.StreamWriter) -> None:
        begun.set()
        await asyncio.Event().wait()

    calling = asyncio.create_task(call(caller, http.on("/hook", hang)))
    await begun.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
