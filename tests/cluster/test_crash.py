"""`kill -9` under load: what was accepted is stored once and answered once."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from uuid import uuid4

import httpx
import psutil
import pytest

from actors.clock import SystemClock
from deployments.integrations.website.visitors import hash_visitor
from persistence.database import Pool
from tests.cluster.conftest import ACCOUNT, SHARE_TIMEOUT, TIMEOUT_S, Shop, wait_until
from tests.cluster.test_message_path import QUESTION, post_webhook, website_key
from tests.support.waiting import wait_for_count
from tests.support.webhooks import share_webhook

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

MESSAGES = 200
AFTER = 40
#: So late a timer may end, once there is a shard again to end it.
LATE = timedelta(seconds=5)

_STORY = """
    SELECT count(*) FROM messages m
    JOIN conversations c ON c.id = m.conversation_id
    JOIN customers k ON k.id = c.customer_id
    WHERE k.platform_id LIKE $1 || '%' AND m.type = """


def find_processes(shop: Shop, title: str) -> list[psutil.Process]:
    """Find the runtime's processes whose command line holds `title`."""
    found = []
    for child in psutil.Process(shop.runtime.pid).children(recursive=True):
        # One of the many may end while they are read.
        with contextlib.suppress(psutil.NoSuchProcess):
            if title in " ".join(child.cmdline()):
                found.append(child)
    return found


def find_database(shop: Shop) -> list[psutil.Process]:
    """Find PostgreSQL's main process; the others end with it."""
    file = shop.runtime.data_dir / "postgres" / "postmaster.pid"
    return [psutil.Process(int(file.read_text().splitlines()[0]))]


VICTIMS: Mapping[str, Callable[[Shop], list[psutil.Process]]] = {
    "shards": lambda shop: find_processes(shop, "ConversationShard"),
    "webhooks": lambda shop: find_processes(shop, "ServeReplica:webhooks"),
    "responder": lambda shop: find_processes(shop, "ServeReplica:answers:Responder"),
    "database": find_database,
}


@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_kill_under_load_loses_and_doubles_nothing(
    shop: Shop, rows: Pool, victim: str
) -> None:
    key, run, secret = website_key(shop), uuid4().hex, shop.renew_visitor_secret()
    accepted = 0
    killed: list[int] = []

    async def write(client: httpx.AsyncClient, number: int) -> None:
        """Write until it is accepted, as a page that retries does."""
        nonlocal accepted
        message = {
            "visitor_id": f"{run}-{number}",
            "visitor_hash": hash_visitor(secret, f"{run}-{number}"),
            "content": QUESTION,
            "client_id": f"{run}-{number}",
        }
        path = f"/webhooks/website/{key}/messages/"
        while not await is_accepted(client, path, message):
            pass
        accepted += 1
        if accepted == AFTER:
            for process in VICTIMS[victim](shop):
                process.kill()
                killed.append(process.pid)

    limits = httpx.Limits(max_connections=32)
    async with httpx.AsyncClient(
        base_url=shop.runtime.url, limits=limits, timeout=60
    ) as client:
        await asyncio.gather(*(write(client, number) for number in range(MESSAGES)))
    assert killed
    wait = partial(wait_for_count, rows, timeout_s=TIMEOUT_S)
    await wait(f"{_STORY} 'AI'", MESSAGES, run)
    await wait(
        "SELECT count(*) FROM timers t JOIN conversations c ON c.id ="
        " t.conversation_id JOIN customers k ON k.id = c.customer_id"
        " WHERE k.platform_id LIKE $1 || '%'",
        0,
        run,
    )
    assert await rows.fetchval(f"{_STORY} 'customer'", run) == MESSAGES
    assert await rows.fetchval(f"{_STORY} 'AI'", run) == MESSAGES


async def test_a_share_timer_armed_before_a_crash_ends_on_time(
    shop: Shop, rows: Pool
) -> None:
    customer = uuid4().hex
    body = share_webhook(ACCOUNT, customer, f"m_{uuid4().hex}", "شال پاییزی")
    assert post_webhook(shop, body).status_code == httpx.codes.OK
    due = await rows.fetchval(
        "SELECT t.due_at FROM timers t JOIN conversations c"
        " ON c.id = t.conversation_id JOIN customers k ON k.id = c.customer_id"
        " WHERE k.platform_id = $1",
        customer,
    )
    killed = SystemClock().now()
    for process in VICTIMS["shards"](shop):
        process.kill()
    shop.wait_until_parts("ok", "shards")
    back = SystemClock().now()
    events = """
        FROM conversation_events e JOIN conversations c ON c.id = e.conversation_id
        JOIN customers k ON k.id = c.customer_id
        WHERE k.platform_id = $1 AND e.kind ="""

    ended_shares = f"SELECT count(*) {events} 'ShareTimedOut'"
    await wait_for_count(rows, ended_shares, 1, customer, timeout_s=TIMEOUT_S)

    shared = await rows.fetchval(f"SELECT e.at {events} 'CustomerShared'", customer)
    ended = await rows.fetchval(f"SELECT e.at {events} 'ShareTimedOut'", customer)
    assert due == shared + SHARE_TIMEOUT
    assert back < killed + timedelta(seconds=shop.start_s)
    assert due <= ended < max(due, back) + LATE
    assert await rows.fetchval(f"{_STORY} 'AI'", customer) == 0


async def is_accepted(
    client: httpx.AsyncClient, path: str, message: dict[str, str]
) -> bool:
    try:
        answer = await client.post(path, json=message)
    except httpx.TransportError:
        return False
    # Whoever is missing, the page is told to come again, never that it is wrong.
    assert answer.is_success or answer.is_server_error, answer.text
    return answer.is_success


def test_all_parts_are_back_by_themselves(shop: Shop) -> None:
    shop.wait_until_parts("ok", "database", "shards", "responder")
    wait_until(lambda: all(find(shop) for find in VICTIMS.values()))
