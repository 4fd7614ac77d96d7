"""The directory of channels: what it remembers, and when it forgets."""

import asyncio

import pytest

from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.errors import DirectoryUnavailableError
from persistence.channels import (
    Channel,
    ChannelEdit,
    ChannelKind,
    edit_channel,
    remove_channel,
)
from persistence.database import Pool
from persistence.listener import Listener
from tests.support.website import CIPHER, add_shop

KIND = ChannelKind.INSTAGRAM


async def pause(pool: Pool, channel: Channel) -> None:
    async with pool.acquire() as connection, connection.transaction():
        edit = ChannelEdit(is_paused=True)
        await edit_channel(connection, CIPHER, channel.tenant_id, channel.id, edit)


async def test_what_is_known_is_not_asked_again(pool: Pool) -> None:
    channel = await add_shop(pool, KIND, "a")
    directory = ChannelDirectory(pool)
    assert await directory.find(KIND, "a") == channel
    await pause(pool, channel)
    assert await directory.find(KIND, "a") == channel


async def test_a_miss_is_asked_again_each_time(pool: Pool) -> None:
    directory = ChannelDirectory(pool)
    assert await directory.find(KIND, "a") is None
    channel = await add_shop(pool, KIND, "a")
    assert await directory.find(KIND, "a") == channel
    assert await directory.find(ChannelKind.WEBSITE, "a") is None


async def test_a_change_is_heard_of(pool: Pool, dsn: str) -> None:
    first = await add_shop(pool, KIND, "a")
    other = await add_shop(pool, KIND, "b")
    directory, heard = ChannelDirectory(pool), asyncio.Event()
    listener = Listener(dsn)
    listener.on("pilito_channels", directory.forget)
    listener.on("pilito_channels", lambda _: heard.set())
    await listener.start()
    await directory.find(KIND, "a")
    await directory.find(KIND, "b")
    await pause(pool, first)
    await heard.wait()
    paused = await directory.find(KIND, "a")
    assert paused is not None
    assert paused.is_paused
    heard.clear()
    async with pool.acquire() as connection, connection.transaction():
        assert await remove_channel(connection, first.tenant_id, first.id)
    await heard.wait()
    assert await directory.find(KIND, "a") is None
    assert await directory.find(KIND, "b") == other
    await listener.stop()


async def test_after_a_reconnect_nothing_is_believed(pool: Pool) -> None:
    channel = await add_shop(pool, KIND, "a")
    directory = ChannelDirectory(pool)
    await directory.find(KIND, "a")
    await pause(pool, channel)
    directory.forget("")
    found = await directory.find(KIND, "a")
    assert found is not None
    assert found.is_paused


async def test_an_answer_from_before_a_change_is_not_remembered(pool: Pool) -> None:
    channel = await add_shop(pool, KIND, "a")
    directory = ChannelDirectory(pool)
    asked = asyncio.create_task(directory.find(KIND, "a"))
    await asyncio.sleep(0)  # It is under way now.
    directory.forget(str(channel.id))
    await asked
    await pause(pool, channel)
    found = await directory.find(KIND, "a")
    assert found is not None
    assert found.is_paused


async def test_misses_at_once_are_asked_once(pool: Pool) -> None:
    await add_shop(pool, KIND, "a")
    directory = ChannelDirectory(pool)
    # One connection is all that one question needs; the pool has four.
    async with pool.acquire(), pool.acquire(), pool.acquire():
        found = await asyncio.gather(*(directory.find(KIND, "a") for _ in range(200)))
    assert len({id(channel) for channel in found}) == 1


async def test_a_caller_that_goes_away_does_not_take_the_answer_along(
    pool: Pool,
) -> None:
    channel = await add_shop(pool, KIND, "a")
    directory = ChannelDirectory(pool)
    impatient = asyncio.create_task(directory.find(KIND, "a"))
    patient = asyncio.create_task(directory.find(KIND, "a"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == channel


async def test_a_database_that_is_away_is_told_apart_from_a_miss(pool: Pool) -> None:
    directory = ChannelDirectory(pool)
    await pool.close()
    with pytest.raises(DirectoryUnavailableError):
        await directory.find(KIND, "a")
