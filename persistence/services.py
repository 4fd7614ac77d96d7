"""The monitored services of tenants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from uuid import uuid4

import asyncpg
import orjson

from persistence.database import Connection, Db
from persistence.errors import DuplicateRowError
from persistence.ids import ChannelId, ServiceId, TenantId
from persistence.monitor import Method, Origin, Service, Status
from persistence.queries import build_row, load_queries
from persistence.secrets import Cipher

_SQL = load_queries("services")
TAKEN = "name: a service of this name exists already"


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """The editable fields of a service."""

    name: str
    base_url: str
    health_path: str = "/"
    method: Method = Method.GET
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str | None = None
    timeout_s: float = 10.0
    expected_status: tuple[int, ...] = ()
    conditions: tuple[Mapping[str, object], ...] = ()
    enabled: bool = True
    failure_threshold: int = 3
    success_threshold: int = 2
    degraded_after_ms: float | None = None
    cooldown_s: int = 900
    reminder_s: int = 21_600


@dataclass(frozen=True, slots=True)
class ServiceFilter:
    """Which services a page lists; None leaves a filter out."""

    enabled: bool | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The status of a service, and since when; None before its first check."""

    status: Status
    since: datetime | None


async def create_service(
    db: Db,
    cipher: Cipher,
    tenant_id: TenantId,
    spec: ServiceSpec,
    *,
    origin: Origin = Origin.USER,
    channel_id: ChannelId | None = None,
) -> Service:
    """Create a service. Raises DuplicateRowError when the name is taken."""
    row = await db.fetchrow(
        _SQL["insert_service"],
        uuid4(),
        tenant_id,
        *_columns(cipher, spec),
        origin,
        channel_id,
    )
    if row is None:
        raise DuplicateRowError(TAKEN)
    return build_row(Service, row)


async def replace_service(
    db: Connection, cipher: Cipher, old: Service, spec: ServiceSpec
) -> Service:
    """Change a locked service. Raises DuplicateRowError when the name is taken."""
    try:
        row = await db.fetchrow(
            _SQL["update_service"], old.tenant_id, old.id, *_columns(cipher, spec)
        )
    except asyncpg.UniqueViolationError as error:
        raise DuplicateRowError(TAKEN) from error
    # The service is locked, so it exists.
    return build_row(Service, cast("asyncpg.Record", row))


async def delete_service(db: Db, tenant_id: TenantId, service_id: ServiceId) -> bool:
    """Delete a service and all its results; False if there is none."""
    found = await db.fetchval(_SQL["delete_service"], tenant_id, service_id)
    return found is not None


async def lock_service(
    db: Connection, tenant_id: TenantId, service_id: ServiceId
) -> Service | None:
    """Fetch a service and lock it until the transaction ends."""
    row = await db.fetchrow(_SQL["lock_service"], tenant_id, service_id)
    return None if row is None else build_row(Service, row)


async def fetch_service(
    db: Db, tenant_id: TenantId, service_id: ServiceId
) -> Service | None:
    """Fetch a service; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_service"], tenant_id, service_id)
    return None if row is None else build_row(Service, row)


async def fetch_service_by_name(
    db: Db, tenant_id: TenantId, name: str
) -> Service | None:
    """Fetch a tenant's service of this name."""
    row = await db.fetchrow(_SQL["fetch_service_by_name"], tenant_id, name)
    return None if row is None else build_row(Service, row)


async def fetch_services_page(
    db: Db, tenant_id: TenantId, wanted: ServiceFilter, limit: int, offset: int
) -> tuple[int, tuple[tuple[Service, Standing], ...]]:
    """Fetch a page of services with their status, and the total number."""
    arguments = (tenant_id, wanted.enabled, wanted.status)
    rows = await db.fetch(_SQL["fetch_services_page"], *arguments, limit, offset)
    total = await db.fetchval(_SQL["count_services"], *arguments)
    return cast("int", total), tuple(
        (build_row(Service, row), _stand(row)) for row in rows
    )


async def fetch_service_status(db: Db, service_id: ServiceId) -> Standing:
    """Fetch the status of a service."""
    row = await db.fetchrow(_SQL["fetch_service_status"], service_id)
    return Standing(Status.UNKNOWN, None) if row is None else _stand(row)


def decrypt_headers(cipher: Cipher, service: Service) -> dict[str, str]:
    """Decrypt the headers of a service. Raises SecretUnreadableError."""
    if service.headers is None:
        return {}
    headers: dict[str, str] = orjson.loads(cipher.decrypt(service.headers))
    return headers


def _stand(row: asyncpg.Record) -> Standing:
    return Standing(Status(row["status"]), row["status_since"])


def _columns(cipher: Cipher, spec: ServiceSpec) -> tuple[object, ...]:
    headers = cipher.encrypt(orjson.dumps(dict(spec.headers))) if spec.headers else None
    return (
        spec.name,
        spec.base_url,
        spec.health_path,
        spec.method,
        headers,
        spec.body,
        spec.timeout_s,
        list(spec.expected_status),
        list(spec.conditions),
        spec.enabled,
        spec.failure_threshold,
        spec.success_threshold,
        spec.degraded_after_ms,
        spec.cooldown_s,
        spec.reminder_s,
    )
