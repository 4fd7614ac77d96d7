"""The journal's view of errors: a bug in a query is no outage of the database."""

import pytest

from persistence.database import Pool
from persistence.errors import DatabaseAwayError
from persistence.journal import PostgresJournal
from tests.support.logs import heard_log


async def test_a_query_that_the_server_refuses_is_logged_as_a_bug(pool: Pool) -> None:
    await pool.execute("ALTER TABLE timers RENAME TO other_timers")
    # The shard waits, and keeps its events: the query holds nothing of theirs.
    with heard_log() as log, pytest.raises(DatabaseAwayError):
        await PostgresJournal(pool).fetch_timers(0, 1)
    assert log.matching("error: statement_refused")
