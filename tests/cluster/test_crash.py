"""`kill -9` under load: what was accepted is stored once and answered once."""

import asyncio
import os
import signal
from uuid import uuid4

import httpx
import psutil
import pytest

from persistence.database import Pool
from tests.cluster.conftest import Shop
from tests.cluster.test_message_path import QUESTION, website_key
from tests.support.waiting import wait_for_count

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

MESSAGES = 200
AFTER = 40

_STORY = """
    SELECT count(*) FROM messages m
    JOIN conversations c ON c.id = m.conversation_id
    JOIN customers k ON k.id = c.customer_id
    WHERE k.platform_id LIKE $1 || '%' AND m.type = """


def shard_processes(runtime_pid: int) -> list[int]:
    """Find the processes of the shard actors."""
    children = psutil.Process(runtime_pid).children(recursive=True)
    return [
        child.pid
        for child in children
        if "ConversationShard" in " ".join(child.cmdline())
    ]


async def test_a_killed_shard_loses_and_doubles_nothing(shop: Shop, rows: Pool) -> None:
    key, run = website_key(shop), uuid4().hex
    accepted = 0
    killed = asyncio.Event()

    async def write(client: httpx.AsyncClient, number: int) -> None:
        """Write until it is accepted, as a page that retries does."""
        nonlocal accepted
        message = {
            "visitor_id": f"{run}-{number}",
            "content": QUESTION,
            "client_id": f"{run}-{number}",
        }
        while True:
            answer = await client.post(
                f"/webhooks/website/{key}/messages/", json=message
            )
            if answer.is_success:
                break
            assert answer.status_code == 503, answer.text
        accepted += 1
        if accepted == AFTER:
            for pid in shard_processes(shop.runtime.pid):
                os.kill(pid, signal.SIGKILL)
            killed.set()

    limits = httpx.Limits(max_connections=32)
    async with httpx.AsyncClient(
        base_url=shop.runtime.url, limits=limits, timeout=60
    ) as client:
        await asyncio.gather(*(write(client, number) for number in range(MESSAGES)))
    assert killed.is_set()
    await wait_for_count(rows, f"{_STORY} 'AI'", MESSAGES, run)
    await wait_for_count(
        rows,
        "SELECT count(*) FROM timers t JOIN conversations c ON c.id ="
        " t.conversation_id JOIN customers k ON k.id = c.customer_id"
        " WHERE k.platform_id LIKE $1 || '%'",
        0,
        run,
    )
    assert await rows.fetchval(f"{_STORY} 'customer'", run) == MESSAGES
    assert await rows.fetchval(f"{_STORY} 'AI'", run) == MESSAGES


def test_a_shard_is_back_by_itself(shop: Shop) -> None:
    ready = httpx.get(f"{shop.runtime.url}/readyz", timeout=30)
    assert ready.status_code == 200
    assert len(shard_processes(shop.runtime.pid)) == 2
