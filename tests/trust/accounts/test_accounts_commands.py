"""H5: the commands that end access, and who may sign in afterwards."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from config.settings import SettingsError
from deployments.accounts import DEMO_PASSWORD, hash_password, verify_password
from deployments.commands.cli import app


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, dsn: str) -> Iterator[Path]:
    """A folder for the settings, and a database that runs already."""
    folder = Path(tempfile.mkdtemp(prefix="cli-"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PILITO_DATA_DIR", str(folder / "var"))
    monkeypatch.setenv("PILITO_DATABASE_URL", dsn)
    monkeypatch.setenv("PILITO_PASSWORD", "a first password")
    yield folder
    shutil.rmtree(folder)


def fetch(dsn: str, statement: str) -> list[tuple[object, ...]]:
    async def ask() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(dsn)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("home")
def test_trust_h5_commands_end_the_access_of_a_person(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("createuser", "sara", "--tenant", "shop")
    run("createuser", "omid", "--tenant", "shop", "--role", "operator")
    roles = fetch(dsn, "SELECT username, role FROM users ORDER BY created_at")
    assert roles == [("sara", "owner"), ("omid", "operator")]
    versions = "SELECT session_version, is_active FROM users WHERE username = 'sara'"
    assert fetch(dsn, versions) == [(0, True)]
    assert "have ended" in run("logout-everywhere", "sara")
    assert fetch(dsn, versions) == [(1, True)]
    assert "no active owner" in run("disable", "sara")
    assert fetch(dsn, versions) == [(2, False)]
    assert "enabled sara" in run("enable", "sara")
    monkeypatch.setenv("PILITO_PASSWORD", "a second password")
    run("passwd", "sara")
    assert fetch(dsn, versions) == [(3, True)]
    ((kept,),) = fetch(dsn, "SELECT password_hash FROM users WHERE username = 'sara'")
    assert asyncio.run(verify_password(str(kept), "a second password"))


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["passwd", "nobody"], "username: there is nobody called 'nobody'"),
        (["disable", "nobody"], "username: there is nobody called 'nobody'"),
        (["enable", "nobody"], "username: there is nobody called 'nobody'"),
        (["logout-everywhere", "nobody"], "username: there is nobody"),
        (["passwd", "sara", "--password", "short"], "password: must have at least 10"),
    ],
)
def test_trust_h5_a_slip_of_the_pen_is_one_clear_line(
    arguments: list[str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        run(*arguments)


@pytest.mark.usefixtures("home")
def test_trust_c1_the_demos_account_is_not_enabled_with_its_public_password(
    dsn: str,
) -> None:
    run("createuser", "demo", "--tenant", "demo")
    public = asyncio.run(hash_password(DEMO_PASSWORD))
    fetch(dsn, f"UPDATE users SET password_hash = '{public}', is_active = false")  # noqa: S608 - ours
    with pytest.raises(SettingsError, match="pilito passwd demo"):
        run("enable", "demo")
    run("passwd", "demo")
    run("enable", "demo")
