"""What the user sees while libraries write to the same streams, in real processes."""

import os
import subprocess
import sys
from pathlib import Path

NOISY = """
import os, sys
from pathlib import Path
from deployments.runtime.terminal import Progress, Terminal

with Terminal(Path(sys.argv[1])) as terminal:
    progress = Progress(terminal)
    with progress.step("Working", done="Worked"):
        print("python noise")
        os.write(2, b"native noise\\n")
        progress.detail("seen in a terminal only")
    progress.fail("it is\\nbroken [red]")
print("afterwards")
"""


def run(log: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", NOISY, log],
        capture_output=True,
        text=True,
        check=True,
    )


def test_our_lines_go_to_the_terminal_and_all_others_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "output.log"
    finished = run(log)
    first, second = finished.stdout.splitlines()
    assert first.startswith("✓ Worked ")
    assert second == "afterwards"
    assert finished.stderr == "✗ it is broken [red]\n"
    assert log.read_text().splitlines() == ["python noise", "native noise"]


def test_a_log_that_has_grown_is_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    with log.open("wb") as file:
        file.truncate(11 * 2**20)
    run(log)
    assert log.stat().st_size < 100
    assert (tmp_path / "output.old.log").stat().st_size == 11 * 2**20


def test_a_terminal_that_was_closed_does_not_break_the_stop(tmp_path: Path) -> None:
    # Closing it is what asks to stop: nobody reads when we say that we do.
    reader, writer = os.pipe()
    os.close(reader)
    try:
        finished = subprocess.run(
            [
                sys.executable,
                "-c",
                NOISY.partition('print("after')[0],
                tmp_path / "log",
            ],
            stdout=writer,
            stderr=writer,
            check=False,
        )
    finally:
        os.close(writer)
    assert finished.returncode == 0
