"""L3 and L12: outsiders learn whether it works, and nothing else."""

from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from actors.clock import SystemClock
from config.settings import Settings, SettingsError, load_settings
from deployments.health.probes import PartHealth, PartStatus
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.webhooks import build_webhooks_app
from deployments.rate_limit import MISSES_PER_ADDRESS
from persistence.channels import ChannelKind
from persistence.database import Pool
from tests.support.api import Api, LocalShards, connect
from tests.support.website import add_shop

WORD = "the word of a scraper"
INSIDE = ("/metrics", "/readyz")


async def fine() -> PartHealth:
    return PartHealth(PartStatus.OK)


@pytest.fixture
def probed(api: Api) -> Api:
    api.metrics_token = WORD
    api.probes.update(database=fine, shards=fine)
    return api


async def test_trust_l3_outsiders_see_neither_metrics_nor_parts(probed: Api) -> None:
    async with connect(probed.build()) as outsider:
        metrics = await outsider.get("/metrics")
        ready = await outsider.get("/readyz")
    assert metrics.status_code == 401
    assert "# HELP" not in metrics.text
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


async def test_trust_l3_without_a_vital_part_outsiders_read_not_ready(
    probed: Api,
) -> None:
    del probed.probes["shards"]

    async def away() -> PartHealth:
        raise ConnectionRefusedError

    probed.probes["database"] = away
    async with connect(probed.build()) as outsider:
        ready = await outsider.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready"})


@pytest.mark.parametrize("path", INSIDE)
async def test_trust_l3_the_token_a_superuser_and_this_machine_may(
    probed: Api, path: str
) -> None:
    app = probed.build()
    boss = await probed.add_user("boss", is_superuser=True)
    clerk = await probed.add_user("clerk")
    async with connect(app) as scraper:
        scraper.headers["Authorization"] = f"Bearer {WORD}"
        assert _is_inside(await scraper.get(path))
        scraper.headers["Authorization"] = f"Bearer {WORD}x"
        assert not _is_inside(await scraper.get(path))
    async with connect(app, boss) as client:
        assert _is_inside(await client.get(path))
    async with connect(app, clerk) as client:
        assert not _is_inside(await client.get(path))
    async with connect(app, address="127.0.0.1") as here:
        assert _is_inside(await here.get(path))
        # As HAProxy of this machine notes a program of this machine.
        here.headers["X-Forwarded-For"] = "127.0.0.1"
        assert _is_inside(await here.get(path))
        for forged in ("8.8.8.8", "127.0.0.1, 8.8.8.8", "127.0.0.1, 127.0.0.1"):
            here.headers["X-Forwarded-For"] = forged
            assert not _is_inside(await here.get(path))


def _is_inside(answer: httpx.Response) -> bool:
    return "# HELP" in answer.text or "database" in answer.text


async def test_trust_l3_many_who_ask_at_once_cost_one_probing(probed: Api) -> None:
    asked: list[datetime] = []

    async def counted() -> PartHealth:
        asked.append(datetime.now(UTC))  # noqa: TID251 - only counted
        return PartHealth(PartStatus.OK)

    probed.probes["database"] = counted
    async with connect(probed.build()) as outsider:
        for _ in range(20):
            await outsider.get("/readyz")
            if len(asked) > 1:
                break
    assert asked
    assert len(asked) <= 1 + (asked[-1] - asked[0]).total_seconds()


@pytest.mark.parametrize(
    "path", ["/docs", "/healthz", "/api/channels/", "/nothing", "/openapi.json"]
)
async def test_trust_l12_no_answer_is_taken_for_something_else(
    nobody: httpx.AsyncClient, path: str
) -> None:
    answer = await nobody.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    if answer.headers["content-type"].startswith("text/html"):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("kind", ["website", "telegram"])
async def test_trust_l12_invented_channels_cost_few_queries(
    pool: Pool, kind: str
) -> None:
    shop = await add_shop(pool, ChannelKind.WEBSITE, "shop-key-1")
    shards, directory = LocalShards(pool), ChannelDirectory(pool)
    app = build_webhooks_app(Settings(), shards, directory, SystemClock())
    looked_up: list[object] = []
    look_up = directory.look_up

    async def count(key: object) -> object:
        looked_up.append(key)
        return await look_up(key)  # type: ignore[arg-type]

    directory.look_up = count  # type: ignore[method-assign, assignment]
    transport = httpx.ASGITransport(app, client=("8.8.8.8", 1))
    body = {"visitor_id": "visitor-0001", "content": "x", "token": "x"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://pilito.test"
    ) as stranger:
        statuses: list[int] = []
        for _ in range(MISSES_PER_ADDRESS + 5):
            end = "messages/" if kind == "website" else ""
            path = f"/webhooks/{kind}/{uuid4()}/{end}"
            statuses.append((await stranger.post(path, json=body)).status_code)
        expected = 404 if kind == "website" else 200
        assert statuses == [expected] * MISSES_PER_ADDRESS + [429] * 5
        assert len(looked_up) <= MISSES_PER_ADDRESS + 1
    other = httpx.ASGITransport(app, client=("8.8.4.4", 1))
    async with httpx.AsyncClient(
        transport=other, base_url="http://pilito.test"
    ) as visitor:
        path = f"/webhooks/website/{shop.account_id}/messages/"
        # Found, and the token is wrong.
        assert (await visitor.post(path, json=body)).status_code == 401


async def test_trust_l12_a_channel_that_was_unknown_is_found_when_it_is_made(
    pool: Pool,
) -> None:
    shards, directory = LocalShards(pool), ChannelDirectory(pool)
    app = build_webhooks_app(Settings(), shards, directory, SystemClock())
    transport = httpx.ASGITransport(app, client=("8.8.8.8", 1))
    path = "/webhooks/website/shop-key-1/visitors/"
    async with httpx.AsyncClient(
        transport=transport, base_url="http://pilito.test"
    ) as page:
        assert (await page.post(path, json={})).status_code == 404
        await add_shop(pool, ChannelKind.WEBSITE, "shop-key-1")
        # What the listener hears.
        directory.forget("")
        assert (await page.post(path, json={})).status_code == 201


def test_trust_l3_a_word_that_can_be_guessed_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PILITO_METRICS_TOKEN", "guess-me")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    text = str(caught.value)
    assert text.startswith("PILITO_METRICS_TOKEN: must have at least 16 random")
    assert "guess-me" not in text
    monkeypatch.setenv("PILITO_METRICS_TOKEN", "0123456789abcdef")
    assert load_settings().metrics_token is not None
