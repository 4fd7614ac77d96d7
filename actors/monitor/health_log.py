"""Writes `logs/health.log`: one JSON line per result, rotated by size and age."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import orjson
import structlog

from actors.clock import Clock
from actors.clock_watch import ClockWatch

NAME = "health.log"
MAX_BYTES = 10 * 1024 * 1024
MAX_AGE = timedelta(days=1)
STAMP = "%Y%m%dT%H%M%S%f"
#: How many files a rotation removes for their age, the oldest first, and how long the
#: clock must have gone on as time does before.
MAX_REMOVED = 2
STEADY_FOR = timedelta(minutes=10)
#: A limit besides the age.
MAX_FILES = 60

log = structlog.get_logger("health_log")


class Lines(Protocol):
    """Takes lines for a log file."""

    async def write(self, lines: Sequence[dict[str, object]]) -> None:
        """Write lines without blocking the event loop."""
        ...


class HealthLog:
    """Appends lines; rotated files are named by the time of their rotation."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        retention: timedelta,
        max_bytes: int = MAX_BYTES,
        max_age: timedelta = MAX_AGE,
        steady_for: timedelta = STEADY_FOR,
    ) -> None:
        self._path = folder / NAME
        self._clock = clock
        self._retention = retention
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._clock_watch = ClockWatch(clock)
        self._steady_for = steady_for
        self._began_at: datetime | None = None
        # Two concurrent writers might both rotate the file.
        self._lock = asyncio.Lock()

    async def write(self, lines: Sequence[dict[str, object]]) -> None:
        """Write lines in a thread; a full disk does not stop the checks."""
        async with self._lock:
            try:
                await asyncio.to_thread(self._write, lines)
            except OSError as error:
                log.warning("health_log_failed", error=repr(error))

    def _write(self, lines: Sequence[dict[str, object]]) -> None:
        now = self._clock.now()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._is_full(now):
            self._move_aside(now)
        self._path.touch(mode=0o600)
        with self._path.open("ab") as file:
            file.writelines(orjson.dumps(line) + b"\n" for line in lines)
        if self._began_at is None:
            self._began_at = now

    def _is_full(self, now: datetime) -> bool:
        if not self._path.exists():
            self._began_at = None
            return False
        if self._began_at is None:
            self._began_at = self._read_beginning() or now
        is_old = now - self._began_at >= self._max_age
        return is_old or self._path.stat().st_size >= self._max_bytes

    def _read_beginning(self) -> datetime | None:
        """Read the time of the first line: a restart alone must not rotate the file."""
        with self._path.open("rb") as file:
            first = file.readline()
        try:
            return datetime.fromisoformat(orjson.loads(first)["checked_at"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None

    def _move_aside(self, now: datetime) -> None:
        stamp = f"{now:{STAMP}}"
        self._path.replace(self._path.with_name(f"{NAME}.{stamp}"))
        self._began_at = None
        kept = sorted(self._path.parent.glob(f"{NAME}.2*"), reverse=True)
        oldest = f"{NAME}.{now - self._retention:{STAMP}}"
        old = [path for path in kept[:MAX_FILES] if path.name < oldest]
        # A clock that is ahead must not remove them all.
        is_steady = self._clock_watch.is_steady(self._steady_for)
        old = old[-MAX_REMOVED:] if is_steady else []
        for path in (*kept[MAX_FILES:], *old):
            path.unlink(missing_ok=True)
