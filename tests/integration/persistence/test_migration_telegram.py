"""The way to the connections' columns and back, over channels that exist already."""

import asyncio

from persistence import migrate
from persistence.channels import ChannelKind
from persistence.database import Pool
from tests.support.website import add_shop


async def test_older_bots_are_to_be_told_and_the_way_back_loses_no_channel(
    pool: Pool, dsn: str
) -> None:
    bot = await add_shop(pool, ChannelKind.TELEGRAM, "1", token="a-token")
    paused = await add_shop(pool, ChannelKind.TELEGRAM, "2", is_paused=True)
    site = await add_shop(pool, ChannelKind.WEBSITE, "3")
    await asyncio.to_thread(migrate.downgrade, dsn, "0004")
    await asyncio.to_thread(migrate.upgrade, dsn)
    rows = await pool.fetch("SELECT id, connection FROM channels")
    assert {row["id"]: row["connection"] for row in rows} == {
        bot.id: "pending",
        paused.id: "paused",
        site.id: None,
    }
