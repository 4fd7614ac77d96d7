"""A runtime that another one has replaced ends, and takes nothing back."""

import tempfile
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from actors.conversation.actor import ConversationShard, ShardPlan
from actors.conversation.rules.policy import Policy
from deployments.runtime.errors import RuntimeReplacedError
from deployments.runtime.term_watch import TermWatch
from persistence.database import Pool
from persistence.errors import ShardFencedError
from persistence.journal import PostgresJournal
from persistence.runtime_terms import begin_term
from tests.support.monitors import wait_until
from tests.support.servers.pilito import PilitoProcess

with warnings.catch_warnings():
    # Ray's own imports warn of its own fields.
    warnings.simplefilter("ignore")
    from deployments import shards


async def test_trust_s4_a_shard_that_is_started_again_does_not_take_its_place_back(
    pool: Pool, dsn: str
) -> None:
    old, new = uuid4(), uuid4()
    await begin_term(pool, old)
    await PostgresJournal(pool).raise_epoch(0)
    await begin_term(pool, new)
    await PostgresJournal(pool).raise_epoch(0)
    epoch = await pool.fetchval("SELECT epoch FROM shards")
    restarted = ConversationShard.__new__(ConversationShard)
    opener = partial(shards.open_dependencies, old)
    with pytest.raises(ShardFencedError):
        await restarted.__init__(ShardPlan(0, 1, dsn, Policy()), opener)  # type: ignore[misc]
    assert await pool.fetchval("SELECT epoch FROM shards") == epoch


async def test_trust_s4_a_replaced_runtime_learns_of_it(pool: Pool, dsn: str) -> None:
    mine = uuid4()
    await begin_term(pool, mine)
    watch = TermWatch(dsn, mine)
    watch.start()
    watch.check()
    await begin_term(pool, uuid4())
    await wait_until(lambda: watch.is_over)
    with pytest.raises(RuntimeReplacedError, match="Another Pilito"):
        watch.check()
    watch.stop()


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="replaced-") as folder:
        yield Path(folder)


@pytest.mark.cluster
@pytest.mark.timeout(900)
def test_trust_s4_a_replaced_runtime_ends_with_one_clear_line(home: Path) -> None:
    with PilitoProcess(home / "replaced") as replaced:
        replaced.wait_until_it_says()
        # As another runtime on the same database begins.
        replaced.ask("UPDATE runtime_terms SET id = gen_random_uuid() RETURNING 1")
        assert replaced.wait() == 1
        last = [line for line in replaced.output.splitlines() if line.startswith("✗")]
        assert len(last) == 1
        assert "Another Pilito has taken over this database" in last[0]
        assert replaced.find_remains() == []
