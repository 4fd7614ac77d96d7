"""The command line beside a runtime, and without one."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.settings import SettingsError
from deployments import accounts
from deployments.commands.cli import app
from deployments.runtime.data_dir import locked_data_dir
from deployments.runtime.errors import DataDirInUseError
from persistence.database import Connection
from persistence.embedded.server import EmbeddedPostgres, split_password
from persistence.errors import PersistenceError
from persistence.users import Role, User

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
        db: Connection,
        tenant: str,
        name: str,
        password: str,
        *,
        role: Role,
        is_superuser: bool,
    ) -> User:
        with pytest.raises(DataDirInUseError) as caught, locked_data_dir(home):
            pass
        refused.append(str(caught.value))
        return await create_account(
            db, tenant, name, password, role=role, is_superuser=is_superuser
        )

    monkeypatch.setattr(accounts, "create_account", create_while_a_runtime_starts)
    created = CliRunner().invoke(app, CREATE)
    assert created.exit_code == 0, created.output
    assert refused


def test_a_command_leaves_a_runtimes_database_alone(home: Path) -> None:
    postgres = EmbeddedPostgres(home / "postgres")
    with locked_data_dir(home):
        starting = CliRunner().invoke(app, CREATE)
        assert isinstance(starting.exception, PersistenceError)
        assert "try again" in str(starting.exception)
        postgres.start()
        assert CliRunner().invoke(app, CREATE).exit_code == 0
        assert postgres.is_running


@pytest.mark.usefixtures("home")
def test_psql_opens_on_the_embedded_database() -> None:
    pilito = Path(sys.executable).with_name("pilito")
    opened = subprocess.run(
        [pilito, "db"],
        input="SELECT 'tenants', count(*) FROM tenants;",
        capture_output=True,
        text=True,
        check=False,
    )
    assert opened.returncode == 0, opened.stderr
    assert "tenants  |     0" in opened.stdout


@pytest.mark.parametrize(
    ("dsn", "address", "password"),
    [
        (
            "postgresql://postgres@/a?host=/b%2C",
            "postgresql://postgres@/a?host=%2Fb%2C",
            None,
        ),
        ("postgresql://u:p%40w@h:5432/a", "postgresql://u@h:5432/a", "p@w"),
        (
            "postgresql://h/a?password=pw&sslmode=require",
            "postgresql://h/a?sslmode=require",
            "pw",
        ),
        ("postgresql:///a?host=/b", "postgresql:///a?host=%2Fb", None),
        ("postgres:///a?user=u&password=pw", "postgres:///a?user=u", "pw"),
        (
            "postgresql://h/a?options=-c%20geqo%3Doff",
            "postgresql://h/a?options=-c%20geqo%3Doff",
            None,
        ),
    ],
)
def test_no_password_is_among_psqls_arguments(
    dsn: str, address: str, password: str | None
) -> None:
    assert split_password(dsn) == (address, password)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["createuser", " ", "--tenant", "shop"], "username: must not be empty"),
        (["createuser", "sara", "--tenant", " "], "tenant: must not be empty"),
        (["createuser", "s" * 151, "--tenant", "shop"], "username: must have at most"),
        ([*CREATE, "--password", "x" * 1001], "password: must have at most"),
        ([*CREATE, "--password", "x" * 9], "password: must have at least 10"),
        ([*CREATE, "--password", " " * 10], "password: must be neither blank"),
    ],
)
def test_an_account_that_nobody_could_sign_in_to_is_not_made(
    home: Path, arguments: list[str], message: str
) -> None:
    refused = CliRunner().invoke(app, arguments)
    assert isinstance(refused.exception, SettingsError)
    assert str(refused.exception).startswith(message)
    assert not home.exists()


@pytest.mark.usefixtures("home")
def test_a_database_that_is_not_there_is_one_line_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dsn = "postgresql://pilito:hush@127.0.0.1:1/pilito"
    monkeypatch.setenv("PILITO_DATABASE_URL", dsn)
    refused = CliRunner().invoke(app, CREATE)
    assert isinstance(refused.exception, SettingsError)
    assert str(refused.exception).startswith("PILITO_DATABASE_URL: ")
    assert "\n" not in str(refused.exception)
    assert "hush" not in str(refused.exception)
