"""Shows the steps of the start in the terminal, with the time that each took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner

from deployments.runtime.terminal import Terminal


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
