"""API keys of programs, which act for the person who made them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast
from uuid import uuid4

from persistence.database import Db
from persistence.ids import ApiKeyId, TenantId, UserId
from persistence.queries import build_row, fetch_page, load_queries
from persistence.users import Role

_SQL = load_queries("api_keys")


class Scope(StrEnum):
    """A kind of calls that a key may make."""

    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    KNOWLEDGE_READ = "knowledge:read"
    KNOWLEDGE_WRITE = "knowledge:write"
    CHANNELS_READ = "channels:read"
    MONITOR_READ = "monitor:read"
    MONITOR_WRITE = "monitor:write"
    WORKFLOWS_READ = "workflows:read"
    WORKFLOWS_WRITE = "workflows:write"


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key to be created; `prefix` is the beginning that lists show."""

    name: str
    scopes: tuple[Scope, ...]
    key_hash: bytes
    prefix: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as lists show it."""

    id: ApiKeyId
    tenant_id: TenantId
    user_id: UserId
    name: str
    scopes: tuple[str, ...]
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """The rights of a key that works, and of its maker."""

    key_id: ApiKeyId
    tenant_id: TenantId
    user_id: UserId
    scopes: tuple[str, ...]
    expires_at: datetime | None
    role: Role
    is_superuser: bool
    is_use_stale: bool


async def create_api_key(
    db: Db, tenant_id: TenantId, user_id: UserId, new: NewApiKey
) -> ApiKey:
    """Create a key of the user."""
    row = await db.fetchrow(
        _SQL["insert_api_key"],
        uuid4(),
        tenant_id,
        user_id,
        new.name,
        new.scopes,
        new.key_hash,
        new.prefix,
        new.created_at,
        new.expires_at,
    )
    assert row is not None  # noqa: S101 - an INSERT without a conflict gives its row
    return build_row(ApiKey, row)


async def fetch_api_keys_page(
    db: Db, tenant_id: TenantId, limit: int, offset: int
) -> tuple[int, Sequence[ApiKey]]:
    """Fetch a page of the tenant's keys, and how many there are."""
    statements = (_SQL["fetch_api_keys"], _SQL["count_api_keys"])
    return await fetch_page(db, ApiKey, statements, (tenant_id,), limit, offset)


async def count_live_api_keys(db: Db, tenant_id: TenantId, at: datetime) -> int:
    """Count the tenant's keys that work at this time."""
    return cast("int", await db.fetchval(_SQL["count_live_api_keys"], tenant_id, at))


async def revoke_api_key(
    db: Db, tenant_id: TenantId, key_id: ApiKeyId, at: datetime
) -> bool:
    """End a key; False if the tenant has no such key that works."""
    row = await db.fetchval(_SQL["revoke_api_key"], tenant_id, key_id, at)
    return row is not None


async def prune_api_keys(db: Db, tenant_id: TenantId, before: datetime) -> None:
    """Remove the tenant's keys that ended before that time."""
    await db.execute(_SQL["prune_api_keys"], tenant_id, before)


async def fetch_key_access(db: Db, key_hash: bytes, at: datetime) -> KeyAccess | None:
    """Fetch what a key may do; None if it does not work."""
    row = await db.fetchrow(_SQL["fetch_key_access"], key_hash, at)
    return None if row is None else build_row(KeyAccess, row)


async def touch_api_key(
    db: Db, tenant_id: TenantId, key_id: ApiKeyId, at: datetime
) -> None:
    """Record that the key was used."""
    await db.execute(_SQL["touch_api_key"], tenant_id, key_id, at)
