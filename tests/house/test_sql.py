"""Every named query fits the migrated schema, and says why it is there."""

from pathlib import Path

import pytest

from persistence.database import Pool
from persistence.queries import SQL, load_queries

NOUNS = sorted(path.stem for path in SQL.glob("*.sql"))


@pytest.mark.parametrize("noun", NOUNS)
async def test_every_query_can_be_prepared(pool: Pool, noun: str) -> None:
    async with pool.acquire() as connection:
        for name, statement in load_queries(noun).items():
            try:
                await connection.prepare(statement)
            except Exception as error:  # noqa: BLE001 - any of them is the finding
                pytest.fail(f"{noun}.{name}: {error}")


def test_d1_no_query_takes_from_the_dedupe_record() -> None:
    # Meta delivers again for 36 hours, Telegram for a day; an event is known for ever.
    # Of an erased customer keyed hashes of the ids are stored first, and a retention
    # begins at a week.
    allowed = {"erase_events", "prune_events", "delete_events"}
    statements = [
        (name, " ".join(statement.lower().split()))
        for noun in NOUNS
        for name, statement in load_queries(noun).items()
    ]
    takes = ("delete from conversation_events", "truncate conversation_events")
    taking = {name for name, text in statements if any(one in text for one in takes)}
    assert taking <= allowed


@pytest.mark.parametrize("noun", NOUNS)
def test_every_query_says_why(noun: str) -> None:
    silent = [
        name
        for name, statement in load_queries(noun).items()
        if not statement.startswith("-- ")
    ]
    assert silent == []


@pytest.mark.parametrize("noun", NOUNS)
def test_every_query_is_used_by_its_module(noun: str) -> None:
    module = Path(SQL.parent / f"{noun}.py").read_text(encoding="utf-8")
    unused = [name for name in load_queries(noun) if f'"{name}"' not in module]
    assert unused == []


@pytest.mark.parametrize("noun", NOUNS)
def test_no_name_stands_twice(noun: str) -> None:
    text = (SQL / f"{noun}.sql").read_text(encoding="utf-8")
    headers = [line for line in text.splitlines() if line.endswith(" --")]
    assert len(headers) == len(set(headers)) == len(load_queries(noun))
