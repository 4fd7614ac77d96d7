"""The secret key that is made once and kept."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from config.settings import Settings
from deployments.runtime.errors import LaunchError
from deployments.runtime.secret_files import with_kept_key


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
    settings = Settings(data_dir=tmp_path, secret_key=SecretStr("the user's"))
    assert key_of(with_kept_key(settings)) == "the user's"
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_can_not_be_kept_is_one_clear_line(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "missing", secret_key=None)
    with pytest.raises(LaunchError, match="secret_key"):
        with_kept_key(settings)
