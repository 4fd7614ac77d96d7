"""Hears what is logged, and lets a test wait for it or read it in the files."""

import asyncio
import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

import structlog
from structlog.typing import Processor

from config.logging import WORKFLOW, setup_logging
from tests.support.waiting import time_limit


class LogEar:
    """The texts of the log's lines so far."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._heard = asyncio.Event()

    def hear(
        self, _logger: object, method: str, event: MutableMapping[str, object]
    ) -> MutableMapping[str, object]:
        """Keep the line."""
        self.texts.append(f"{method}: {event['event']}")
        self._heard.set()
        raise structlog.DropEvent

    def matching(self, part: str) -> list[str]:
        """Return the lines that hold `part`."""
        return [text for text in self.texts if part in text]

    async def wait_for(self, part: str, count: int = 1) -> None:
        """Wait until so many lines hold `part`."""
        async with time_limit(
            lambda: f"no {count} lines with {part!r} in {self.texts}"
        ):
            while len(self.matching(part)) < count:
                self._heard.clear()
                await self._heard.wait()


@contextmanager
def heard_log() -> Iterator[LogEar]:
    """Hear all that is logged meanwhile, in place of writing it."""
    ear = LogEar()
    # Changed in place: loggers that were used before hold this very list.
    processors: list[Processor] = structlog.get_config()["processors"]
    before = processors.copy()
    processors[:] = [ear.hear]
    try:
        yield ear
    finally:
        processors[:] = before


@contextmanager
def written_log(folder: Path, part: str) -> Iterator[None]:
    """Write logs into the folder as a part of the runtime does, and only meanwhile."""
    root, workflow = logging.getLogger(), logging.getLogger(WORKFLOW)
    handlers, level = list(root.handlers), root.level
    setup_logging(folder, part)
    # A logger that is kept would write into this folder for all tests to come.
    structlog.configure(cache_logger_on_first_use=False)
    try:
        yield
    finally:
        for handler in (*root.handlers, *workflow.handlers):
            if handler not in handlers:
                handler.close()
        root.handlers, workflow.handlers = handlers, []
        root.setLevel(level)
        structlog.reset_defaults()
