"""A shard's process, without Ray around it: how it ends when the shard can't go on."""

import asyncio
import os
import pickle

import pytest

from actors.conversation.actor import ConversationShard, ShardDependencies, ShardPlan
from actors.conversation.errors import ShardUnavailableError
from actors.conversation.ports import NO_PROFILES
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.mirror import NO_MIRROR
from actors.conversation.shard.shard import Shard
from persistence.database import Pool
from tests.support.api import SilentResponder, TakingSender
from tests.support.conversation.conversations import Story


async def open_fakes(_: Pool) -> ShardDependencies:
    """Open dependencies that never answer, and accept everything."""
    return ShardDependencies(SilentResponder(), TakingSender(), NO_PROFILES, NO_MIRROR)


async def test_the_process_of_a_shard_that_failed_ends(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()
    statuses: list[int] = []

    def end(status: int) -> None:
        statuses.append(status)
        ended.set()

    async def fail(*_: object) -> None:
        message = "a bug where all else is mended"
        raise RuntimeError(message)

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(Shard, "_process", fail)
    process = ConversationShard.__new__(ConversationShard)
    await process.__init__(ShardPlan(0, 1, dsn, Policy()), open_fakes)  # type: ignore[misc]
    event = Story().customer_event("سلام", 1, "m1")
    (refused,) = pickle.loads(await process.submit(pickle.dumps([event])))  # noqa: S301
    assert isinstance(refused, ShardUnavailableError)
    await ended.wait()
    assert statuses == [1]
    assert not await process.is_serving()
    await process.stop()
