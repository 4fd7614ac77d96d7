"""The terminal: kept for our own lines, and the steps of the start shown there."""

import io
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner

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
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        file = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
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


class Progress:
    """Prints a line for each step; a spinner meanwhile where a terminal shows it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._begun = time.monotonic()
        self._spinner: Spinner | None = None
        self._label = ""

    @contextmanager
    def step(self, label: str, *, done: str | None = None) -> Iterator[None]:
        """Show `label` until the block ends, then `done` and how long it took."""
        begun = time.monotonic()
        self._label = label
        out = self._terminal.out
        try:
            if out.is_terminal:
                self._spinner = Spinner("dots", escape(label))
                # Live would by default catch what libraries print and show it here.
                with Live(
                    self._spinner,
                    console=out,
                    transient=True,
                    redirect_stdout=False,
                    redirect_stderr=False,
                ):
                    yield
            else:
                yield
        finally:
            self._spinner = None
        seconds = time.monotonic() - begun
        self.say(f"[green]✓[/] {escape(done or label)} [dim]{seconds:.1f} s[/]")

    def detail(self, text: str) -> None:
        """Say how far the running step is, where that can be replaced again."""
        if self._spinner is not None:
            self._spinner.update(text=f"{escape(self._label)}: {escape(text)}")

    def say(self, markup: str) -> None:
        """Print a line."""
        self._terminal.out.print(markup)
        self._terminal.out.file.flush()

    def fail(self, text: str) -> None:
        """Print why it does not go on, as one line on standard error."""
        line = " ".join(text.split())
        self._terminal.err.print(f"[red]✗[/] {escape(line)}")
        self._terminal.err.file.flush()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._begun


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
