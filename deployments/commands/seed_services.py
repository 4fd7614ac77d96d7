"""`pilito seed-services`: creates a tenant's services from a file."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from config.settings import SettingsError
from deployments.web.api.monitor.schemas import ServiceIn
from persistence.database import Connection, open_pool
from persistence.ids import TenantId
from persistence.monitor import Service
from persistence.secrets import Cipher
from persistence.services import (
    ServiceSpec,
    create_service,
    decrypt_headers,
    fetch_service_by_name,
    lock_service,
    replace_service,
)
from persistence.tenants import fetch_only_tenant, fetch_tenant_by_name


class FileService(ServiceIn):
    """A service in a file, with an optional name of its tenant."""

    tenant: str | None = Field(default=None, max_length=200)


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many services were created, updated and left unchanged."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


def load_services(path: Path) -> tuple[FileService, ...]:
    """Load a file: a list of services, or an object whose `services` is one.

    Raises:
        SettingsError: one line that names the invalid place.
    """
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise SettingsError(message) from error
    except orjson.JSONDecodeError as error:
        message = f"{path}: not JSON: {error}"
        raise SettingsError(message) from error
    if isinstance(content, dict) and "services" in content:
        content = content["services"]
    try:
        rows = TypeAdapter(tuple[FileService, ...]).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}"
        raise SettingsError(message) from error
    return rows


async def seed_file(
    dsn: str,
    cipher: Cipher,
    wanted: tuple[FileService, ...],
    tenant: str,
    *,
    update: bool,
    say: Callable[[str], None],
) -> None:
    """Apply the file to the database, as a whole or not at all.

    Raises:
        SettingsError: the tenant is unknown or ambiguous.
    """
    pool = await open_pool(dsn, max_size=1)
    try:
        async with pool.acquire() as connection, connection.transaction():
            by_tenant: dict[TenantId, list[FileService]] = {}
            for row in wanted:
                owner = await _find_tenant(connection, row.tenant or tenant)
                by_tenant.setdefault(owner, []).append(row)
            for owner, rows in by_tenant.items():
                done = await seed_services(
                    connection, cipher, owner, tuple(rows), update=update, say=say
                )
                say(
                    f"{done.created} created, {done.updated} updated,"
                    f" {done.unchanged} unchanged"
                )
    finally:
        await pool.close()


async def _find_tenant(db: Connection, name: str) -> TenantId:
    tenant = await (fetch_tenant_by_name(db, name) if name else fetch_only_tenant(db))
    if tenant is None:
        message = (
            f"--tenant: there is no business called {name!r}"
            if name
            else "--tenant: name the business; there is none yet, or more than one"
        )
        raise SettingsError(message)
    return tenant.id


async def seed_services(
    db: Connection,
    cipher: Cipher,
    tenant_id: TenantId,
    wanted: tuple[FileService, ...],
    *,
    update: bool,
    say: Callable[[str], None],
) -> Seeded:
    """Create what is missing; change what differs, if `update` says so."""
    created = updated = unchanged = 0
    for row in wanted:
        spec = _spec(row)
        known = await fetch_service_by_name(db, tenant_id, row.name)
        if known is None:
            await create_service(db, cipher, tenant_id, spec)
            created += 1
        elif _spec_of(known, cipher) == spec:
            unchanged += 1
        elif update:
            locked = await lock_service(db, tenant_id, known.id)
            await replace_service(db, cipher, cast("Service", locked), spec)
            updated += 1
        else:
            say(f"{row.name}: exists already and differs; --update changes it")
            unchanged += 1
    return Seeded(created, updated, unchanged)


def _spec(row: FileService) -> ServiceSpec:
    values = {field.name: getattr(row, field.name) for field in fields(ServiceSpec)}
    values["expected_status"] = tuple(row.expected_status)
    values["conditions"] = tuple(one.model_dump(mode="json") for one in row.conditions)
    return ServiceSpec(**values)


def _spec_of(service: Service, cipher: Cipher) -> ServiceSpec:
    values = {
        field.name: getattr(service, field.name)
        for field in fields(ServiceSpec)
        if field.name != "headers"
    }
    return ServiceSpec(**values, headers=decrypt_headers(cipher, service))
