"""A console of a shop, over a real shard, and a person who is signed in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from deployments import accounts
from deployments.console.assets import load_assets
from persistence.channels import Channel
from persistence.database import Pool
from persistence.ids import ConversationId
from persistence.users import Role, User
from tests.support.api import Api, LocalShards, add_channel, write_as_customer
from tests.support.live import LiveApi, running_live

PASSWORD = "a long enough password"
needs_scripts = pytest.mark.skipif(
    not load_assets().import_map, reason="npm has installed no scripts"
)


@dataclass
class Console:
    """A running console and the windows of its people."""

    api: Api
    live: LiveApi
    browser: Browser
    channel: Channel
    user: User

    @property
    def url(self) -> str:
        """The address of the runtime."""
        return f"http://{self.live.address}"

    async def open(self, username: str = "sara", **options: object) -> Page:
        """Sign in as a person of the shop, in a browser of their own."""
        context = await self.open_context(**options)
        page = await context.new_page()
        await page.goto(f"{self.url}/console/")
        await page.locator("#username").fill(username)
        await page.locator("#password").fill(PASSWORD)
        await page.locator("button.primary").click()
        await page.wait_for_url("**/console/inbox/**")
        return page

    async def open_context(self, **options: object) -> BrowserContext:
        """Open a browser with no cookies."""
        wanted = {"locale": "fa-IR", "viewport": {"width": 1280, "height": 800}}
        return await self.browser.new_context(**{**wanted, **options})  # type: ignore[arg-type]

    async def add_operator(self, name: str) -> None:
        """Add an operator to the shop."""
        hashed = await accounts.hash_password(PASSWORD)
        await self.api.add_user(
            name, hashed, role=Role.OPERATOR, tenant_id=self.user.tenant_id
        )

    async def write(self, customer: str, text: str, mid: str = "m1") -> ConversationId:
        """Let a customer write."""
        return await write_as_customer(self.api, self.channel, customer, text, mid)


@pytest.fixture
async def console(pool: Pool, dsn: str, browser: Browser) -> AsyncIterator[Console]:
    """The console of a shop with one channel."""
    shards = LocalShards(pool)
    await shards.shard.start()
    api = Api(pool, shards)
    hashed = await accounts.hash_password(PASSWORD)
    user = await api.add_user("sara", hashed)
    async with running_live(api, api.build(), dsn) as live:
        channel = await add_channel(live.app, user.tenant_id)
        yield Console(api, live, browser, channel, user)
    await shards.shard.stop()
