"""`logs/health.log`: a line per result, moved aside by size and by age."""

import json
from datetime import timedelta
from pathlib import Path

from actors.monitor.health_log import NAME, HealthLog
from tests.support.clock import FakeClock

MONTH = timedelta(days=30)


def line(clock: FakeClock) -> dict[str, object]:
    return {"checked_at": clock.now(), "ok": True}


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_each_result_is_a_line_of_json(tmp_path: Path) -> None:
    clock = FakeClock()
    log = HealthLog(tmp_path, clock, retention=MONTH)
    await log.write([line(clock), line(clock)])
    await log.write([line(clock)])
    lines = (tmp_path / NAME).read_text(encoding="utf-8").splitlines()
    assert [json.loads(text)["ok"] for text in lines] == [True] * 3


async def test_a_large_file_is_moved_aside(tmp_path: Path) -> None:
    clock = FakeClock()
    log = HealthLog(tmp_path, clock, retention=MONTH, max_bytes=100)
    for _ in range(4):
        await log.write([line(clock)])
        clock.advance(timedelta(seconds=1))
    assert len(files(tmp_path)) == 2
    assert (tmp_path / NAME).stat().st_size < 150


async def test_an_old_file_is_moved_aside_even_after_a_restart(tmp_path: Path) -> None:
    clock = FakeClock()
    await HealthLog(tmp_path, clock, retention=MONTH).write([line(clock)])
    clock.advance(timedelta(hours=23))
    await HealthLog(tmp_path, clock, retention=MONTH).write([line(clock)])
    assert files(tmp_path) == [NAME]
    clock.advance(timedelta(hours=1))
    await HealthLog(tmp_path, clock, retention=MONTH).write([line(clock)])
    assert len(files(tmp_path)) == 2


async def test_files_older_than_the_retention_are_removed(tmp_path: Path) -> None:
    clock = FakeClock()
    log = HealthLog(
        tmp_path, clock, retention=timedelta(days=3), steady_for=timedelta(0)
    )
    for _ in range(10):
        await log.write([line(clock)])
        clock.advance(timedelta(days=1))
    assert 3 <= len(files(tmp_path)) <= 5


async def test_a_disk_that_takes_nothing_stops_no_check(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    clock = FakeClock()
    await HealthLog(tmp_path / "file", clock, retention=MONTH).write([line(clock)])
