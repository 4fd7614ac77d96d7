"""The runtime's short-lived folder."""

import os
from pathlib import Path

import pytest

from deployments.runtime.errors import LaunchError
from deployments.runtime.runtime_dir import RuntimeDir

#: What Ray appends at most: a session's name and the longest of its sockets.
RAY_SOCKET = "/session_2026-11-21_05-15-00_123456_1234567/sockets/plasma_store"
#: A node's id, and the name under which HAProxy binds before it renames.
HAPROXY_SOCKET = f"/{'0' * 56}/a.sock.1234567.tmp"
MAX_SOCKET_BYTES = 107


def test_sockets_fit_wherever_the_data_directory_is(tmp_path: Path) -> None:
    folder = RuntimeDir(tmp_path / ("deep/" * 40))
    for path in (f"{folder.ray}{RAY_SOCKET}", f"{folder.haproxy}{HAPROXY_SOCKET}"):
        assert len(os.fsencode(path)) <= MAX_SOCKET_BYTES


def test_each_data_directory_has_one_folder_of_its_own(tmp_path: Path) -> None:
    first = RuntimeDir(tmp_path / "a").path
    assert RuntimeDir(tmp_path / "x" / ".." / "a").path == first
    assert RuntimeDir(tmp_path / "b").path != first


def test_nobody_else_can_look_inside(tmp_path: Path) -> None:
    folder = RuntimeDir(tmp_path)
    folder.prepare()
    try:
        assert folder.path.stat().st_mode & 0o077 == 0
    finally:
        folder.remove()
    assert not folder.path.exists()


def test_a_folder_that_somebody_laid_out_is_refused(tmp_path: Path) -> None:
    folder = RuntimeDir(tmp_path)
    folder.path.symlink_to(tmp_path)
    try:
        with pytest.raises(LaunchError, match=str(folder.path)):
            folder.prepare()
    finally:
        folder.path.unlink()


def test_the_logs_of_the_last_session_are_kept(tmp_path: Path) -> None:
    folder = RuntimeDir(tmp_path)
    for name in ("session_2026-01-01_old", "session_2026-01-02_new"):
        folder.prepare()
        logs = folder.ray / name / "logs"
        logs.mkdir(parents=True)
        (logs / "raylet.out").write_text(name)
    (folder.ray / "session_latest").symlink_to(folder.ray / name)
    folder.remove()
    kept = tmp_path / "logs" / "ray" / "raylet.out"
    assert kept.read_text() == "session_2026-01-02_new"
