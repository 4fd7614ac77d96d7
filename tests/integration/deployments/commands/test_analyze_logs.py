"""`pilito analyze-logs` as a program, on a database with a week of checks."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from actors.clock import SystemClock
from persistence.database import Pool
from persistence.tenants import create_tenant
from tests.support.checks import add_checks, add_plain_service, build_latencies

ROOT = Path(__file__).parents[4]


@dataclass(frozen=True, slots=True)
class Ended:
    """How the program ended."""

    status: int
    text: str


async def analyze_logs(dsn: str, folder: Path, *arguments: str) -> Ended:
    """Run the program in an empty folder, with the database as its only setting."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PILITO_", "OPENAI_", "GEMINI_"))
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from deployments.commands.cli import main; main()"),
        *("analyze-logs", *arguments),
        env=environment | {"PYTHONPATH": str(ROOT), "PILITO_DATABASE_URL": dsn},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return Ended(process.returncode or 0, output.decode())


async def add_slow_shop(pool: Pool, name: str) -> None:
    tenant = await create_tenant(pool, name)
    await pool.execute("UPDATE tenants SET language = 'en' WHERE id = $1", tenant.id)
    service_id = await add_plain_service(pool, tenant.id)
    latencies = build_latencies(4 * 288)
    latencies[-24:] *= 4
    await add_checks(pool, tenant.id, service_id, latencies, until=SystemClock().now())


async def test_it_prints_what_every_tenants_digest_says(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    await add_slow_shop(pool, "shop one")
    await add_slow_shop(pool, "shop two")
    ended = await analyze_logs(dsn, tmp_path)
    assert ended.status == 0, ended.text
    assert "shop one: 1 services" in ended.text
    assert "1 anomalies, 1 alerts sent" in ended.text
    assert ended.text.count("Most affected: checkout (1).") == 2
    one = await analyze_logs(dsn, tmp_path, "--tenant", "shop two", "--hours", "6")
    assert "shop one" not in one.text
    assert "1 anomalies, 0 alerts sent" in one.text


async def test_a_tenant_that_is_not_there_is_said_and_ends_with_2(
    dsn: str, tmp_path: Path
) -> None:
    ended = await analyze_logs(dsn, tmp_path, "--tenant", "nobody")
    assert (ended.status, "no such business" in ended.text) == (2, True)


async def test_a_period_of_no_hours_is_refused(dsn: str, tmp_path: Path) -> None:
    ended = await analyze_logs(dsn, tmp_path, "--hours", "0")
    assert ended.status == 2
    assert "hours" in ended.text
