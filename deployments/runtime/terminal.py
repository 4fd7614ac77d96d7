"""Keeps the terminal for our own lines; the output of libraries goes to a log."""

import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console

#: A log that has grown beyond this is put aside at the next start.
MAX_LOG_BYTES = 10 * 2**20


class Terminal:
    """Our own hold of the terminal, while standard output and error are a log file.

    Ray's native code and its threads write to the process's standard streams whatever
    Python is told, hundreds of lines when a process dies.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self._saved: tuple[int, int] = (-1, -1)
        # Until the log is open, the streams are the terminal.
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(highlight=False, soft_wrap=True, stderr=True)

    def __enter__(self) -> Self:
        """Open the log and take the terminal for ourselves."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        _flush()
        self._saved = (os.dup(1), os.dup(2))
        self.out, self.err = (
            Console(
                file=_LastingStream(os.dup(number)), highlight=False, soft_wrap=True
            )
            for number in self._saved
        )
        file = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.close(file)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the standard streams back."""
        _flush()
        self.out.file.close()
        self.err.file.close()
        for number, saved in enumerate(self._saved, start=1):
            os.dup2(saved, number)
            os.close(saved)
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(highlight=False, soft_wrap=True, stderr=True)


class _LastingStream(io.TextIOWrapper):
    """A stream that is written in vain when its terminal has been closed.

    Closing a terminal asks us to stop, and the stop must not fail on saying so.
    """

    def __init__(self, number: int) -> None:
        super().__init__(
            os.fdopen(number, "wb", buffering=0), encoding="utf-8", errors="replace"
        )

    def write(self, text: str) -> int:
        """Write `text` if somebody is there."""
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if somebody is there."""
        with suppress(OSError):
            super().flush()


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
