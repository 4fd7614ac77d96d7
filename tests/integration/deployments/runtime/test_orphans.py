"""What a killed runtime left running is found and ended, and nothing else is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from deployments.runtime.orphans import end_processes, find_processes
from deployments.runtime.ray_workarounds.haproxy import MARK

#: Tells that it was asked to stop, and does not.
STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: print("asked", flush=True))
print("ready", flush=True)
sys.stdin.read()
"""
WAITING = STUBBORN.replace("flush=True))", "flush=True) or sys.exit())")


class Children:
    """Starts processes that wait, and ends those that a test has left."""

    def __init__(self) -> None:
        self.all: list[subprocess.Popen[bytes]] = []

    def start(self, folder: Path, code: str = WAITING) -> "subprocess.Popen[bytes]":
        child = subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, MARK: f"{folder}/haproxy/haproxy.cfg"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.all.append(child)
        assert child.stdout is not None
        child.stdout.readline()
        return child


@pytest.fixture
def children() -> Iterator[Children]:
    children = Children()
    yield children
    for child in children.all:
        child.kill()
        child.communicate()


def is_alive(child: "subprocess.Popen[bytes]") -> bool:
    return psutil.pid_exists(child.pid)


def was_asked(child: "subprocess.Popen[bytes]") -> bool:
    assert child.stdout is not None
    return child.stdout.read() == b"asked\n"


def test_only_the_processes_of_this_runtime_are_ended(
    tmp_path: Path, children: Children
) -> None:
    ours = children.start(tmp_path / "pilito-1")
    # One folder's name may begin like another's.
    others = children.start(tmp_path / "pilito-11")
    assert [p.pid for p in find_processes(tmp_path / "pilito-1")] == [ours.pid]
    assert end_processes(tmp_path / "pilito-1") == 1
    assert not is_alive(ours)
    assert was_asked(ours)
    assert is_alive(others)


def test_what_does_not_listen_is_killed(tmp_path: Path, children: Children) -> None:
    child = children.start(tmp_path, STUBBORN + WAITING)
    assert end_processes(tmp_path, grace=timedelta(seconds=2)) == 1
    assert not is_alive(child)
    assert was_asked(child)


def test_in_a_hurry_nobody_is_asked(tmp_path: Path, children: Children) -> None:
    child = children.start(tmp_path)
    assert end_processes(tmp_path, grace=timedelta(0)) == 1
    assert not is_alive(child)
    assert not was_asked(child)


def test_there_may_be_nothing_to_do(tmp_path: Path) -> None:
    assert end_processes(tmp_path) == 0


def test_a_runtime_never_ends_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MARK, f"{tmp_path}/haproxy/haproxy.cfg")
    assert os.getpid() not in [p.pid for p in find_processes(tmp_path)]
