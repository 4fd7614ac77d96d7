"""Who a visitor of the chat page is, and a page whose shop has paused."""

import asyncio
import json
import re

import httpx
import pytest
from playwright.async_api import Browser, Route, expect

from actors.conversation.events import CustomerWrote
from deployments.integrations.website.visitors import hash_visitor
from persistence.channels import ChannelEdit, edit_channel, set_visitor_secret
from persistence.database import Pool
from tests.browser.test_chat_page import open_chat, open_phone, send
from tests.support.waiting import time_limit
from tests.support.website import CIPHER, Website

pytestmark = pytest.mark.browser


async def test_an_id_of_a_former_version_is_replaced_by_a_visitor_with_a_token(
    browser: Browser, website: Website
) -> None:
    context = await open_phone(browser)
    page = await open_chat(context, website)
    key = f"pilito.{website.channel.account_id}.visitor"
    bare = "Zm9ybWVyLXZpc2l0b3ItaWQx"
    await page.evaluate("([key, id]) => localStorage.setItem(key, id)", [key, bare])
    await page.reload()
    await send(page, "سلام")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    kept = json.loads(str(await page.evaluate("key => localStorage.getItem(key)", key)))
    assert kept["visitor_id"] != bare
    assert kept["token"] == website.sign(kept["visitor_id"])
    (written,) = website.shards.events
    assert isinstance(written, CustomerWrote)
    assert written.customer == kept["visitor_id"]
    await context.close()


async def test_a_shop_says_who_its_visitor_is_behind_the_hash_sign(
    browser: Browser, website: Website, pool: Pool
) -> None:
    channel, secret, customer = website.channel, "the shop's secret", "customer-4711"
    async with pool.acquire() as connection, connection.transaction():
        await set_visitor_secret(
            connection, CIPHER, channel.tenant_id, channel.id, secret
        )
    context = await open_phone(browser)
    page = await context.new_page()
    proof = f"visitor_id={customer}&visitor_hash={hash_visitor(secret, customer)}"
    await page.goto(f"http://{website.address}/chat/{channel.account_id}#{proof}")
    await send(page, "سلام")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    (written,) = website.shards.events
    assert isinstance(written, CustomerWrote)
    assert written.customer == customer
    # A shop that says so no more has signed its customer out: the next person at the
    # same computer is a stranger.
    await page.goto("about:blank")
    await page.goto(f"http://{website.address}/chat/{channel.account_id}")
    await send(page, "من کس دیگری هستم")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    other = website.shards.events[-1]
    assert isinstance(other, CustomerWrote)
    assert other.customer != customer
    await context.close()


async def test_words_on_their_way_are_not_sent_by_the_next_visitor(
    browser: Browser, website: Website, pool: Pool
) -> None:
    channel, secret, customer = website.channel, "the shop's secret", "customer-4711"
    async with pool.acquire() as connection, connection.transaction():
        await set_visitor_secret(
            connection, CIPHER, channel.tenant_id, channel.id, secret
        )
    context = await open_phone(browser)
    page = await context.new_page()
    proof = f"visitor_id={customer}&visitor_hash={hash_visitor(secret, customer)}"
    address = f"http://{website.address}/chat/{channel.account_id}"
    refused = asyncio.Event()

    async def refuse(route: Route) -> None:
        await route.abort()
        refused.set()

    await page.route("**/messages/", refuse)
    await page.goto(f"{address}#{proof}")
    await send(page, "فقط خودم بدانم")
    await refused.wait()
    await page.unroute("**/messages/")
    await page.goto("about:blank")
    await page.goto(address)
    await send(page, "من کس دیگری هستم")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    (written,) = website.shards.events
    assert isinstance(written, CustomerWrote)
    assert (written.text, written.customer != customer) == ("من کس دیگری هستم", True)
    # They wait for whom they are from.
    await page.goto("about:blank")
    await page.goto(f"{address}#{proof}")
    await expect(page.locator(".customer:not(.waiting)")).to_have_text(
        re.compile("فقط خودم بدانم")
    )
    own = website.shards.events[-1]
    assert isinstance(own, CustomerWrote)
    assert own.customer == customer
    await context.close()


async def test_a_paused_chat_says_so_and_sends_what_waited_when_it_goes_on(
    browser: Browser, website: Website, pool: Pool
) -> None:
    context = await open_phone(browser)
    page = await open_chat(context, website)
    await send(page, "یک")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await pause(website, pool, is_paused=True)
    await send(page, "دو")
    await expect(page.locator("#notice")).to_contain_text("فعلاً نمی‌توانیم")
    await expect(page.locator(".customer.waiting")).to_have_count(1)
    assert len(website.shards.events) == 1
    await pause(website, pool, is_paused=False)
    await page.reload()
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(2)
    await expect(page.locator("#notice")).to_be_hidden()
    await context.close()


async def pause(website: Website, pool: Pool, *, is_paused: bool) -> None:
    """Pause the channel or end its pause, and wait until the page's server knows."""
    channel, edit = website.channel, ChannelEdit(is_paused=is_paused)
    async with pool.acquire() as connection, connection.transaction():
        await edit_channel(connection, CIPHER, channel.tenant_id, channel.id, edit)
    address = (
        f"http://{website.address}/webhooks/website/{channel.account_id}/visitors/"
    )
    wanted, status = 503 if is_paused else 201, 0
    async with time_limit(lambda: status), httpx.AsyncClient() as client:
        while status != wanted:
            status = (await client.post(address, json={})).status_code
