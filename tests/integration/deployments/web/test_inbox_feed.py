"""Readings of the feed that several windows share, over a real database."""

import asyncio

import pytest
from fastapi import FastAPI

from deployments.web.inbox_feed import InboxFeed
from persistence.database import Pool, open_pool
from persistence.feed import FeedCursor
from persistence.users import User
from tests.support.api import Api, add_channel, write_as_customer


@pytest.fixture
def start() -> FeedCursor:
    return FeedCursor(((0, 0),))


async def begin() -> None:
    """Let what was begun come to its first wait."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_window_that_is_told_of_news_gets_no_older_reading(
    api: Api, app: FastAPI, alice: User, dsn: str, start: FeedCursor
) -> None:
    channel = await add_channel(app, alice.tenant_id)
    await write_as_customer(api, channel, "sara", "first", "m1")
    narrow = await open_pool(dsn, max_size=1)
    feed = InboxFeed(narrow)
    early = asyncio.create_task(feed.read(alice.tenant_id, start))
    await begin()
    # It has seen which changes there are, and waits to read what they say.
    async with narrow.acquire():
        await write_as_customer(api, channel, "sara", "second", "m2")
        late = asyncio.create_task(feed.read(alice.tenant_id, start))
        await begin()
    for reading, wanted in ((early, ["first"]), (late, ["first", "second"])):
        changes = await reading
        assert changes is not None
        assert [message.content for message in changes.messages] == wanted
    await narrow.close()


async def test_windows_that_ask_at_once_share_one_reading(
    pool: Pool, api: Api, app: FastAPI, alice: User, start: FeedCursor
) -> None:
    channel = await add_channel(app, alice.tenant_id)
    await write_as_customer(api, channel, "sara", "first", "m1")
    feed = InboxFeed(pool)
    one, other = await asyncio.gather(
        *(feed.read(alice.tenant_id, start) for _ in range(2))
    )
    assert one is other
