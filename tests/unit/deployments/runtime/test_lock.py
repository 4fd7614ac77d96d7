"""One runtime per data directory."""

import os
from pathlib import Path

import pytest

from deployments.runtime.errors import DataDirInUseError, LaunchError
from deployments.runtime.lock import locked_data_dir


def test_a_second_runtime_is_told_who_is_there(tmp_path: Path) -> None:
    with (
        locked_data_dir(tmp_path),
        pytest.raises(DataDirInUseError) as caught,
        locked_data_dir(tmp_path),
    ):
        pass
    assert caught.value.exit_code == 2
    text = str(caught.value)
    assert str(tmp_path) in text
    assert f"process {os.getpid()}" in text
    assert "PILITO_DATA_DIR" in text
    assert "\n" not in text


def test_a_lock_that_was_given_back_can_be_taken(tmp_path: Path) -> None:
    with locked_data_dir(tmp_path):
        pass
    with locked_data_dir(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_children_do_not_inherit_the_lock(tmp_path: Path) -> None:
    # Otherwise a worker that outlives its runtime would lock the next one out.
    with locked_data_dir(tmp_path):
        held = [
            int(link.name)
            for link in Path("/proc/self/fd").iterdir()
            if link.is_symlink() and link.readlink() == tmp_path / "lock"
        ]
        assert [os.get_inheritable(number) for number in held] == [False]


def test_a_directory_that_can_not_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(LaunchError, match="PILITO_DATA_DIR") as caught,
        locked_data_dir(tmp_path / "file" / "var"),
    ):
        pass
    assert caught.value.exit_code == 2
