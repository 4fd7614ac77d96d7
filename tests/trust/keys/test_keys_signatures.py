"""Instagram's webhooks are signed, or refused where anybody could write them."""

import hashlib
import hmac

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from actors.clock import SystemClock
from config.settings import Settings
from config.signatures import WARNINGS, judge_signatures
from deployments.health.probes import PARTS, PartHealth, PartStatus, build_probes
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.webhooks import build_webhooks_app
from persistence.channels import ChannelKind
from persistence.database import Pool
from tests.support.conversation.shards import RecordingShards
from tests.support.webhooks import text_webhook
from tests.support.website import add_shop

SHOP, SARA = "17841400000000000", "900100200300"
PATH = "/webhooks/instagram/"
BODY = text_webhook(SHOP, SARA, "m1", "سلام")
#: What HAProxy of this runtime adds for a client on this machine.
HAPROXY = ("x-forwarded-for", "127.0.0.1")
PUBLIC = "https://shop.example"


async def deliver(
    pool: Pool,
    settings: Settings,
    headers: list[tuple[str, str]],
    peer: str = "127.0.0.1",
) -> tuple[int, int]:
    """Return the status of a webhook and how many events were stored."""
    shards = RecordingShards()
    app = build_webhooks_app(settings, shards, ChannelDirectory(pool), SystemClock())
    transport = httpx.ASGITransport(app, client=(peer, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.post(PATH, content=BODY, headers=headers)
    return answer.status_code, len(shards.events)


def sign(secret: str) -> list[tuple[str, str]]:
    digest = hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()
    return [("x-hub-signature-256", f"sha256={digest}")]


@pytest.mark.parametrize(
    ("headers", "peer"),
    [
        ([], "127.0.0.1"),
        ([HAPROXY], "127.0.0.1"),
        ([("x-forwarded-for", "::1")], "::1"),
        ([HAPROXY], "::ffff:127.0.0.1"),
    ],
)
async def test_trust_h1_a_program_on_this_machine_may_write_unsigned(
    pool: Pool, headers: list[tuple[str, str]], peer: str
) -> None:
    await add_shop(pool, ChannelKind.INSTAGRAM, SHOP)
    settings = Settings(http_host="127.0.0.1")
    assert await deliver(pool, settings, headers, peer) == (200, 1)


@pytest.mark.parametrize(
    ("headers", "peer"),
    [
        # A proxy on this machine, which our HAProxy sees as loopback.
        ([("x-forwarded-for", "198.51.100.7"), HAPROXY], "127.0.0.1"),
        ([("x-forwarded-for", "198.51.100.7, 127.0.0.1")], "127.0.0.1"),
        ([("x-forwarded-for", "127.0.0.1"), HAPROXY], "127.0.0.1"),
        ([("x-forwarded-for", "unknown")], "127.0.0.1"),
        ([("x-forwarded-for", "")], "127.0.0.1"),
        ([("forwarded", "for=127.0.0.1"), HAPROXY], "127.0.0.1"),
        ([("x-forwarded-host", "localhost"), HAPROXY], "127.0.0.1"),
        ([("x-forwarded-proto", "https"), HAPROXY], "127.0.0.1"),
        ([("x-real-ip", "127.0.0.1"), HAPROXY], "127.0.0.1"),
        ([("via", "1.1 proxy"), HAPROXY], "127.0.0.1"),
        ([("cf-ray", "1"), HAPROXY], "127.0.0.1"),
        # A web page in the browser of somebody who works on this machine.
        ([("origin", "https://evil.example"), HAPROXY], "127.0.0.1"),
        ([("sec-fetch-site", "cross-site"), HAPROXY], "127.0.0.1"),
        ([], "198.51.100.7"),
        ([HAPROXY], "10.0.0.2"),
    ],
)
async def test_trust_h1_unsigned_webhooks_through_a_proxy_are_refused(
    pool: Pool, headers: list[tuple[str, str]], peer: str
) -> None:
    await add_shop(pool, ChannelKind.INSTAGRAM, SHOP)
    settings = Settings(http_host="127.0.0.1")
    assert await deliver(pool, settings, headers, peer) == (401, 0)


@pytest.mark.parametrize(
    ("host", "public_url"),
    [("127.0.0.1", PUBLIC), ("0.0.0.0", None), ("10.0.0.1", None), ("shop.lan", None)],  # noqa: S104 - an open runtime
)
async def test_trust_h1_a_runtime_that_others_reach_takes_nothing_unsigned(
    pool: Pool, host: str, public_url: str | None
) -> None:
    await add_shop(pool, ChannelKind.INSTAGRAM, SHOP)
    settings = Settings(http_host=host, public_url=public_url)
    with capture_logs() as logs:
        assert await deliver(pool, settings, [HAPROXY]) == (401, 0)
    assert "PILITO_INSTAGRAM_APP_SECRET is not set" in str(logs)
    assert "PILITO_INSTAGRAM_APP_SECRET" in WARNINGS[judge_signatures(settings)]


async def test_trust_h1_each_of_several_secrets_may_have_signed(pool: Pool) -> None:
    await add_shop(pool, ChannelKind.INSTAGRAM, SHOP)
    settings = Settings(
        public_url=PUBLIC, instagram_app_secret=SecretStr("new, old ,third")
    )
    for secret in ("new", "old", "third"):
        assert await deliver(pool, settings, sign(secret)) == (200, 1)
    for secret in ("new, old ,third", "new,old", "", " old ", "fourth"):
        assert await deliver(pool, settings, sign(secret)) == (401, 0)
    for headers in ([], [HAPROXY], [("x-hub-signature-256", "sha256=00")]):
        assert await deliver(pool, settings, headers) == (401, 0)
    with pytest.raises(ValidationError, match="comma list"):
        Settings(instagram_app_secret=SecretStr(" , "))


@pytest.mark.parametrize(
    ("settings", "status", "reason"),
    [
        (Settings(), PartStatus.OK, "from programs on this machine only"),
        (Settings(public_url=PUBLIC), PartStatus.DEGRADED, "refused with 401"),
        (
            Settings(public_url=PUBLIC, instagram_app_secret=SecretStr("hush")),
            PartStatus.OK,
            "signatures are verified",
        ),
    ],
)
async def test_trust_h1_readyz_says_how_webhooks_are_judged(
    pool: Pool, settings: Settings, status: PartStatus, reason: str
) -> None:
    async def ask(name: str) -> PartHealth:
        return PartHealth(PartStatus.OK, name)

    assert "instagram_webhooks" in PARTS
    health = await build_probes(settings, pool, ask)["instagram_webhooks"]()
    assert health.status is status
    assert reason in health.reason
    assert "hush" not in health.reason
