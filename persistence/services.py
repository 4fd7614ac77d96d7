"""The monitored services of tenants, their maintenance windows, and our own parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import cast
from uuid import uuid4

import asyncpg
import orjson

from persistence.channels import ChannelKind
from persistence.database import Connection, Db
from persistence.errors import DuplicateRowError
from persistence.ids import ChannelId, ServiceId, TenantId, WindowId
from persistence.monitor import Method, Origin, Service, Status, WindowRow
from persistence.queries import build_row, fetch_page, load_queries
from persistence.secrets import Cipher

_SQL = load_queries("services")
#: Any of these answers proves that a platform is up.
PLATFORM_ANSWERS = [200, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 429]
#: The runtime's own health, and the answers that carry it.
READY_PATH = "/readyz"
READY_ANSWERS = [200, 503]
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
    columns = _columns(cipher, spec)
    row = await db.fetchrow(
        _SQL["insert_service"], uuid4(), tenant_id, *columns, origin, channel_id
    )
    if row is None:
        raise DuplicateRowError(TAKEN)
    return build_row(Service, row)


async def count_own_services(db: Db, tenant_id: TenantId) -> int:
    """Count the services that the tenant created."""
    return cast("int", await db.fetchval(_SQL["count_own_services"], tenant_id))


async def claim_check(
    db: Db, tenant_id: TenantId, service_id: ServiceId, at: datetime, pause: timedelta
) -> bool:
    """Claim a check on demand; False when one was asked for within the pause."""
    claimed = await db.fetchval(_SQL["claim_check"], tenant_id, service_id, at, pause)
    return claimed is not None


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
    return await db.fetchval(_SQL["delete_service"], tenant_id, service_id) is not None


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
    db: Db,
    tenant_id: TenantId,
    limit: int,
    offset: int,
    *,
    enabled: bool | None,
    status: Status | None,
) -> tuple[int, tuple[tuple[Service, Standing], ...]]:
    """Fetch a page of services with their status, and the total number.

    None leaves a filter out.
    """
    filters = (tenant_id, enabled, status)
    rows = await db.fetch(_SQL["fetch_services_page"], *filters, limit, offset)
    total = await db.fetchval(_SQL["count_services"], *filters)
    return cast("int", total), tuple(
        (build_row(Service, row), _stand(row)) for row in rows
    )


async def fetch_service_status(db: Db, service_id: ServiceId) -> Standing:
    """Fetch the status of a service."""
    row = await db.fetchrow(_SQL["fetch_service_status"], service_id)
    return Standing(Status.UNKNOWN, None) if row is None else _stand(row)


async def create_window(
    db: Db,
    tenant_id: TenantId,
    service_id: ServiceId | None,
    span: tuple[datetime, datetime],
    reason: str,
) -> WindowRow | None:
    """Create a window; None when the service is not this tenant's."""
    row = await db.fetchrow(
        _SQL["insert_window"], uuid4(), tenant_id, service_id, *span, reason
    )
    return None if row is None else build_row(WindowRow, row)


async def fetch_windows_page(
    db: Db, tenant_id: TenantId, service_id: ServiceId | None, limit: int, offset: int
) -> tuple[int, tuple[WindowRow, ...]]:
    """Fetch a page of windows and how many there are in all."""
    statements = _SQL["fetch_windows_page"], _SQL["count_windows"]
    filters = (tenant_id, service_id)
    return await fetch_page(db, WindowRow, statements, filters, limit, offset)


async def delete_window(db: Db, tenant_id: TenantId, window_id: WindowId) -> bool:
    """Delete a window; False if there is none."""
    return await db.fetchval(_SQL["delete_window"], tenant_id, window_id) is not None


async def ensure_self_services(
    db: Connection,
    own_url: str,
    parts: Sequence[str],
    platforms: Mapping[ChannelKind, str],
) -> None:
    """Create all missing services of our own, inside the caller's transaction."""
    await ensure_platform_services(db, platforms)
    await ensure_runtime_services(db, own_url, parts)
    await ensure_states(db)


async def ensure_platform_services(
    db: Db, platforms: Mapping[ChannelKind, str]
) -> None:
    """Create the missing services of the channels' platforms.

    Args:
        db: where to.
        platforms: the address of each platform's API.
    """
    await db.execute(
        _SQL["ensure_platform_services"],
        list(platforms),
        list(platforms.values()),
        PLATFORM_ANSWERS,
    )


async def ensure_runtime_services(db: Db, own_url: str, parts: Sequence[str]) -> None:
    """Create the missing services of the runtime's own parts.

    Args:
        db: where to.
        own_url: the runtime's API; empty for none of its own parts.
        parts: names of parts in the answer of `/readyz`.
    """
    if own_url:
        await db.execute(
            _SQL["ensure_runtime_services"],
            own_url,
            READY_PATH,
            READY_ANSWERS,
            [f"Pilito: {part}" for part in parts],
            [
                {"path": f"$.{part}.status", "test": "not_equal", "value": "down"}
                for part in parts
            ],
        )


async def ensure_states(db: Db) -> None:
    """Create the rows of states that services of our own lack."""
    await db.execute(_SQL["ensure_states"])


async def is_platform_away(db: Db, channel_id: ChannelId) -> bool:
    """True if the channel's platform was unreachable at a recent check."""
    return bool(await db.fetchval(_SQL["is_platform_away"], channel_id))


def build_spec(service: Service, headers: Mapping[str, str]) -> ServiceSpec:
    """Build the editable fields of a service from it and its decrypted headers."""
    names = (column.name for column in fields(ServiceSpec))
    values = {name: getattr(service, name) for name in names}
    return ServiceSpec(**(values | {"headers": headers}))


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
    values = {column.name: getattr(spec, column.name) for column in fields(spec)}
    return (*(values | {"headers": headers}).values(),)
