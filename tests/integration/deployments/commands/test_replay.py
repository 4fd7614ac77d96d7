"""`pilito replay` as a program, on a database that a real shard wrote."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from fastapi import FastAPI

from actors.conversation.events import ConversationRedirected, OperatorAnswered
from actors.conversation.rules.policy import Policy
from actors.conversation.state import Destination
from persistence.channels import ChannelKind
from persistence.database import Pool, connect_read_only
from persistence.ids import ConversationId, EventId
from persistence.users import User
from tests.integration.deployments.web.api.test_feedback import PoliteResponder
from tests.support.api import Api, LocalShards, add_channel, write_as_customer
from tests.support.waiting import wait_for_count

ROOT = Path(__file__).parents[4]
#: The default, so that the program decides as the shard did.
QUICK = Policy(reply_debounce=timedelta(milliseconds=10))


@dataclass(frozen=True, slots=True)
class Ended:
    """How the program ended."""

    status: int
    text: str


async def replay(conversation: object, folder: Path, **settings: str) -> Ended:
    """Run the program in an empty folder with these settings only."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PILITO_")
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from deployments.commands.cli import main; main()"),
        *("replay", str(conversation)),
        env=environment | {"PYTHONPATH": str(ROOT)} | settings,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return Ended(process.returncode or 0, output.decode())


def is_empty(folder: Path) -> bool:
    """Say whether the program left nothing behind."""
    return not any(folder.iterdir())


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    shards = LocalShards(pool, responder=PoliteResponder(), policy=QUICK)
    await shards.shard.start()
    yield Api(pool, shards)
    await shards.shard.stop()


@pytest.fixture
async def conversation_id(
    api: Api, app: FastAPI, pool: Pool, alice: User
) -> ConversationId:
    """A conversation with a question, an answer, a redirect and an operator."""
    channel = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")
    conversation = await write_as_customer(api, channel, "ig-1", "سلام")
    sent = "SELECT count(*) FROM outbox WHERE delivery = 'sent'"
    await wait_for_count(pool, sent, 1)
    for event in (
        ConversationRedirected(
            id=EventId(uuid4()),
            conversation_id=conversation,
            at=api.clock.now(),
            destination=Destination.SALES,
        ),
        OperatorAnswered(
            id=EventId(uuid4()),
            conversation_id=conversation,
            at=api.clock.now(),
            user_id=alice.id,
            text="بله",
        ),
    ):
        await api.shards.submit(event)
    await wait_for_count(pool, sent, 2)
    return conversation


async def test_a_real_conversation_is_rebuilt_to_what_is_stored(
    conversation_id: ConversationId, pool: Pool, dsn: str, tmp_path: Path
) -> None:
    before = await pool.fetch("SELECT * FROM conversations")
    ended = await replay(
        conversation_id,
        tmp_path,
        PILITO_DATABASE_URL=dsn,
        PILITO_REPLY_DEBOUNCE_S="0.01",
    )
    assert ended.status == 0, ended.text
    assert "make the stored state, version" in ended.text
    assert await pool.fetch("SELECT * FROM conversations") == before
    assert is_empty(tmp_path)


async def test_a_state_that_its_history_does_not_make_is_told_value_by_value(
    conversation_id: ConversationId, pool: Pool, dsn: str, tmp_path: Path
) -> None:
    await pool.execute(
        'UPDATE conversations SET state = state || \'{"department": "billing"}\''
    )
    ended = await replay(
        conversation_id,
        tmp_path,
        PILITO_DATABASE_URL=dsn,
        PILITO_REPLY_DEBOUNCE_S="0.01",
    )
    assert ended.status == 1
    assert 'department: stored "billing", rebuilt "sales"' in ended.text
    assert "PILITO_REPLY_DEBOUNCE_S" in ended.text


async def test_what_is_not_there_is_one_clear_line(dsn: str, tmp_path: Path) -> None:
    unknown = uuid4()
    ended = await replay(unknown, tmp_path, PILITO_DATABASE_URL=dsn)
    assert (ended.status, ended.text) == (
        2,
        f"There is no conversation {unknown}.\n",
    )
    ended = await replay(unknown, tmp_path)
    assert ended.status == 2
    assert ended.text.startswith("pilito: PILITO_DATABASE_URL: not set")
    assert is_empty(tmp_path)
    assert (await replay("x", tmp_path)).status == 2


async def test_the_replays_connection_can_not_write(dsn: str) -> None:
    connection = await connect_read_only(dsn)
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await connection.execute("UPDATE shards SET epoch = 1")
    await connection.close()
