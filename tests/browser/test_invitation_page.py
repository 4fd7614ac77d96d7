"""The form of an invitation in a real browser."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from persistence.database import Pool
from tests.support.api import Api, LocalShards, connect
from tests.support.servers.http_server import serving

pytestmark = pytest.mark.browser

PASSWORD = "a long enough password"


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    shards = LocalShards(pool)
    await shards.shard.start()
    yield Api(pool, shards)
    await shards.shard.stop()


async def join(page: Page, username: str) -> None:
    await page.get_by_label("نام کاربری").fill(username)
    await page.get_by_label("گذرواژه").fill(PASSWORD)
    await page.get_by_role("button", name=re.compile("پیوستن")).click()


async def test_a_person_joins_in_the_browser_and_the_address_forgets_the_token(
    api: Api, browser: Browser, pool: Pool
) -> None:
    alice, app = await api.add_user("alice"), api.build()
    async with connect(app, alice) as client, serving(app) as address:
        made = await client.post("/api/users/", json={"role": "operator"})
        page = await browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        await page.goto(f"http://{address}/invitation#{made.json()['token']}")
        assert page.url == f"http://{address}/invitation"
        await join(page, "alice")
        await expect(page.get_by_role("status")).to_contain_text("is taken")
        await join(page, "omid")
        await expect(page.get_by_role("status")).to_contain_text("you can sign in now")
        assert problems == []
    role = await pool.fetchval("SELECT role FROM users WHERE username = 'omid'")
    assert role == "operator"
