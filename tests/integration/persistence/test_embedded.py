"""The embedded PostgreSQL: what it is, what it survives, what it leaves behind."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from persistence.embedded.programs import EmbeddedPostgresError
from persistence.embedded.server import EmbeddedPostgres


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory with a short path, as users have one."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    yield folder
    EmbeddedPostgres(folder / "postgres").stop()
    shutil.rmtree(folder)


def ask(dsn: str, *statements: str) -> list[object]:
    async def run() -> list[object]:
        connection = await asyncpg.connect(dsn)
        try:
            return [await connection.fetchval(statement) for statement in statements]
        finally:
            await connection.close()

    return asyncio.run(run())


def postmaster_of(data: Path) -> psutil.Process:
    return psutil.Process(int((data / "postmaster.pid").read_text().splitlines()[0]))


def processes_on(data: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == str(data):
                found.append(process.name())
        except psutil.Error:
            continue
    return found


def test_it_is_durable_reachable_by_socket_only_and_small(home: Path) -> None:
    dsn = EmbeddedPostgres(home / "postgres").start()
    names = ("fsync", "listen_addresses", "max_connections", "shared_buffers")
    answers = ask(dsn, *(f"SHOW {name}" for name in names))
    assert answers == ["on", "", "100", "64MB"]
    # No password guards the socket, so its file must.
    assert (home / "postgres" / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0


def test_rows_survive_a_restart(home: Path) -> None:
    server = EmbeddedPostgres(home / "postgres")
    ask(server.start(), "CREATE TABLE t AS SELECT 7 AS n")
    server.stop()
    assert ask(server.start(), "SELECT n FROM t") == [7]


def test_a_server_left_by_a_killed_runtime_is_picked_up(home: Path) -> None:
    first = EmbeddedPostgres(home / "postgres")
    dsn = first.start()
    pid = postmaster_of(home / "postgres").pid

    second = EmbeddedPostgres(home / "postgres")
    assert second.is_running
    assert second.start() == dsn
    assert postmaster_of(home / "postgres").pid == pid
    second.stop()
    assert not first.is_running


def test_what_was_committed_survives_the_killing_of_the_server(home: Path) -> None:
    server = EmbeddedPostgres(home / "postgres")
    ask(server.start(), "CREATE TABLE t AS SELECT 7 AS n")
    postmaster_of(home / "postgres").kill()
    while server.is_running:  # until the kernel is through with it
        os.sched_yield()
    # As in a container where the dead server's pid is now somebody else's.
    pid_file = home / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    assert ask(server.start(), "SELECT n FROM t") == [7]


def test_it_stops_with_clients_connected_and_leaves_nothing(home: Path) -> None:
    server = EmbeddedPostgres(home / "postgres")
    dsn = server.start()

    async def stay() -> None:
        connection = await asyncpg.connect(dsn)
        await asyncio.to_thread(server.stop)
        connection.terminate()

    asyncio.run(stay())
    data = home / "postgres"
    # The pid file goes first, the processes a moment later.
    while processes_on(data):
        os.sched_yield()
    assert not (data / ".s.PGSQL.5432").exists()
    server.stop()  # a second time there is nothing to do


def test_the_data_may_lie_anywhere(home: Path) -> None:
    # Too long for a socket, with all that shells and address parsers trip over.
    data = home / "فروشگاه's data, ٪20 & co" / ("deep" * 30) / "postgres"
    server = EmbeddedPostgres(data)
    dsn = server.start()
    sockets = postmaster_socket_folder(data)
    assert ask(dsn, "SHOW data_directory") == [str(data)]
    assert sockets.stat().st_mode & 0o077 == 0
    server.stop()
    assert not sockets.exists()


def postmaster_socket_folder(data: Path) -> Path:
    return Path((data / "postmaster.pid").read_text().splitlines()[4])


def test_a_creation_that_was_killed_half_way_is_begun_again(home: Path) -> None:
    draft = home / "postgres.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    assert ask(EmbeddedPostgres(home / "postgres").start(), "SELECT 1") == [1]
    assert not draft.exists()


def test_data_of_another_release_is_refused_with_a_way_out(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match=r"PostgreSQL 16.*pg_dump"):
        EmbeddedPostgres(home / "postgres").start()


def test_a_server_that_can_not_start_says_why(home: Path) -> None:
    server = EmbeddedPostgres(home / "postgres")
    server.start()
    server.stop()
    (home / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedPostgresError, match="pg_control"):
        server.start()


def test_a_place_that_can_not_be_written_is_named(home: Path) -> None:
    (home / "file").write_text("not a folder")
    with pytest.raises(EmbeddedPostgresError, match=str(home / "file")):
        EmbeddedPostgres(home / "file" / "postgres").start()


def test_a_signal_to_the_callers_group_does_not_reach_it(home: Path) -> None:
    # Ctrl-C goes to the whole group; the database has to outlast the shards.
    EmbeddedPostgres(home / "postgres").start()
    pid = postmaster_of(home / "postgres").pid
    assert os.getsid(pid) != os.getsid(0)


def test_its_logs_are_kept_apart_a_week_long(home: Path) -> None:
    EmbeddedPostgres(home / "postgres", log_dir=home / "logs").start()
    names = [path.name for path in (home / "logs" / "postgres").iterdir()]
    assert len(names) == 1
    assert names[0].startswith("postgres-")
