"""Secrets that are handed over in files."""

from pathlib import Path

import pytest

from config.settings import Settings
from deployments.runtime.errors import LaunchError
from deployments.runtime.secret_files import move_to_files

ENVIRONMENT = {
    "PILITO_SECRET_KEY": "the key",
    "PILITO_DATABASE_URL": "postgresql://user:word@host/name",
    "PILITO_LLM_API_KEY": "sk-1",
    "PILITO_HTTP_PORT": "8000",
}


def test_no_secret_is_left_in_the_environment(tmp_path: Path) -> None:
    moved = move_to_files(ENVIRONMENT, tmp_path / "secrets")
    assert moved["PILITO_HTTP_PORT"] == "8000"
    for secret in ("the key", "user:word", "sk-1"):
        assert secret not in str(moved)


def test_the_settings_are_the_same_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in move_to_files(ENVIRONMENT, tmp_path / "secrets").items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() == "the key"
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
