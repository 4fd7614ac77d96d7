"""The data directory: one runtime holds it, and its secrets are read by nobody else."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.settings import Settings
from deployments.runtime.data_dir import (
    locked_data_dir,
    move_to_files,
    with_kept_key,
)
from deployments.runtime.errors import DataDirInUseError, LaunchError

KEY = "the key of a user of 32 or more signs"
ENVIRONMENT = {
    "PILITO_SECRET_KEY": KEY,
    "PILITO_DATABASE_URL": "postgresql://user:word@host/name",
    "PILITO_LLM_API_KEY": "sk-1",
    "PILITO_HTTP_PORT": "8000",
}


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


def key_of(settings: Settings) -> str:
    assert settings.secret_key is not None
    return settings.secret_key.get_secret_value()


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key=None)
    first = key_of(with_kept_key(settings))
    assert len(first) >= 48
    assert key_of(with_kept_key(settings)) == first


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    with_kept_key(Settings(data_dir=tmp_path, secret_key=None))
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_the_users_own_key_is_used_and_not_kept(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key=SecretStr(KEY))
    assert key_of(with_kept_key(settings)) == KEY
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_can_not_be_kept_is_one_clear_line(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "missing", secret_key=None)
    with pytest.raises(LaunchError, match="secret_key"):
        with_kept_key(settings)


def test_no_secret_is_left_in_the_environment(tmp_path: Path) -> None:
    moved = move_to_files(ENVIRONMENT, tmp_path / "secrets")
    assert moved["PILITO_HTTP_PORT"] == "8000"
    for secret in (KEY, "user:word", "sk-1"):
        assert secret not in str(moved)


def test_the_settings_are_the_same_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in move_to_files(ENVIRONMENT, tmp_path / "secrets").items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() == KEY
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == "sk-1"


def test_what_is_left_empty_stays_unset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in move_to_files({"PILITO_REDIS_URL": ""}, tmp_path).items():
        monkeypatch.setenv(name, value)
    assert Settings().redis_url is None


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    move_to_files(ENVIRONMENT, folder)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_can_not_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LaunchError, match="file/secrets"):
        move_to_files(ENVIRONMENT, tmp_path / "file" / "secrets")
