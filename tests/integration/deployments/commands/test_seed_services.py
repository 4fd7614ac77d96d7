"""`pilito seed-services`: a file of services becomes what is watched."""

import json
from pathlib import Path

import pytest

from config.settings import SettingsError
from deployments.commands.seed_services import load_services, seed_file
from persistence.database import Pool
from persistence.tenants import create_tenant
from tests.support.monitors import CIPHER

SERVICE = {
    "name": "api",
    "base_url": "https://api.example.com",
    "health_path": "/health",
    "headers": {"Authorization": "Bearer of-the-file"},
    "expected_status": [200],
}


def write(folder: Path, content: object) -> Path:
    path = folder / "services.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


async def seed(
    dsn: str, path: Path, tenant: str = "", *, update: bool = False
) -> list[str]:
    said: list[str] = []
    wanted = load_services(path)
    await seed_file(dsn, CIPHER, wanted, tenant, update=update, say=said.append)
    return said


async def test_a_file_is_loaded_again_without_doubling_anything(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    await create_tenant(pool, "shop")
    path = write(tmp_path, [SERVICE])
    assert await seed(dsn, path) == ["1 created, 0 updated, 0 unchanged"]
    assert await seed(dsn, path) == ["0 created, 0 updated, 1 unchanged"]
    path = write(tmp_path, {"services": [{**SERVICE, "timeout_s": 3}]})
    assert (await seed(dsn, path))[0].startswith("api: exists already and differs")
    assert await seed(dsn, path, update=True) == ["0 created, 1 updated, 0 unchanged"]
    rows = await pool.fetch("SELECT timeout_s, headers FROM services")
    assert [row["timeout_s"] for row in rows] == [3]
    assert b"of-the-file" not in rows[0]["headers"]


async def test_who_the_services_belong_to_must_be_clear(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    path = write(tmp_path, [SERVICE])
    for name in ("shop", "other"):
        await create_tenant(pool, name)
    with pytest.raises(SettingsError, match="--tenant"):
        await seed(dsn, path)
    with pytest.raises(SettingsError, match="nobody"):
        await seed(dsn, path, "nobody")
    await seed(dsn, path, "other")
    assert await pool.fetchval("SELECT count(*) FROM services") == 1


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ([{**SERVICE, "base_url": "ftp://x"}], "0.base_url"),
        ([{**SERVICE, "interval": 5}], "0.interval"),
        ("nothing", "services.json"),
    ],
)
def test_a_wrong_file_names_the_place(
    tmp_path: Path, content: object, place: str
) -> None:
    with pytest.raises(SettingsError, match=place):
        load_services(write(tmp_path, content))


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load_services(tmp_path / "none.json")
