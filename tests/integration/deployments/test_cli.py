"""The command line beside a runtime, and without one."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments import accounts
from deployments.cli import app
from deployments.runtime.errors import DataDirInUseError
from deployments.runtime.lock import DataDirLock
from persistence.database import Connection
from persistence.embedded import EmbeddedPostgres
from persistence.errors import PersistenceError
from persistence.users import User

CREATE = ["createuser", "sara", "--tenant", "shop"]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data directory with a short path, named by the settings."""
    folder = Path(tempfile.mkdtemp(prefix="cli-"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PILITO_DATA_DIR", str(folder / "var"))
    monkeypatch.setenv("PILITO_PASSWORD", "a password")
    yield folder / "var"
    EmbeddedPostgres(folder / "var" / "postgres").stop()
    shutil.rmtree(folder)


def test_a_user_is_created_with_the_password_of_the_environment(home: Path) -> None:
    created = CliRunner().invoke(app, CREATE)
    assert created.exit_code == 0, created.output
    assert "created sara of shop" in created.output
    assert not EmbeddedPostgres(home / "postgres").is_running


def test_no_runtime_starts_on_a_database_that_the_command_will_stop(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_account, refused = accounts.create_account, []

    async def create_while_a_runtime_starts(
        db: Connection, tenant: str, name: str, password: str, *, is_superuser: bool
    ) -> User:
        with pytest.raises(DataDirInUseError) as caught, DataDirLock(home):
            pass
        refused.append(str(caught.value))
        return await create_account(
            db, tenant, name, password, is_superuser=is_superuser
        )

    monkeypatch.setattr(accounts, "create_account", create_while_a_runtime_starts)
    created = CliRunner().invoke(app, CREATE)
    assert created.exit_code == 0, created.output
    assert refused


def test_a_command_leaves_a_runtimes_database_alone(home: Path) -> None:
    postgres = EmbeddedPostgres(home / "postgres")
    with DataDirLock(home):
        starting = CliRunner().invoke(app, CREATE)
        assert isinstance(starting.exception, PersistenceError)
        assert "try again" in str(starting.exception)
        postgres.start()
        assert CliRunner().invoke(app, CREATE).exit_code == 0
        assert postgres.is_running
