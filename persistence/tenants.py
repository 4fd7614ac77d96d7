"""Tenants: the businesses that have an account."""

from dataclasses import dataclass
from uuid import uuid4

from persistence.database import Connection, Db
from persistence.errors import DuplicateRowError
from persistence.ids import TenantId
from persistence.queries import build_row, load_queries

_SQL = load_queries("tenants")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A business; the answering model follows its `instructions`."""

    id: TenantId
    name: str
    language: str
    instructions: str


async def create_tenant(db: Db, name: str) -> Tenant:
    """Create a tenant. Raises DuplicateRowError when the name is taken."""
    row = await db.fetchrow(_SQL["insert_tenant"], uuid4(), name)
    if row is None:
        message = f"name: there is a tenant called {name!r} already"
        raise DuplicateRowError(message)
    return build_row(Tenant, row)


async def fetch_tenant(db: Db, tenant_id: TenantId) -> Tenant | None:
    """Fetch a tenant by its id."""
    row = await db.fetchrow(_SQL["fetch_tenant"], tenant_id)
    return None if row is None else build_row(Tenant, row)


async def update_tenant(
    db: Db,
    tenant_id: TenantId,
    *,
    language: str | None = None,
    instructions: str | None = None,
) -> Tenant | None:
    """Change how a tenant's customers are answered; None leaves a field as it is."""
    row = await db.fetchrow(_SQL["update_tenant"], tenant_id, language, instructions)
    return None if row is None else build_row(Tenant, row)


async def lock_tenant(db: Connection, tenant_id: TenantId) -> None:
    """Have counts of this tenant's rows and changes of its people wait their turn."""
    await db.execute(_SQL["lock_tenant"], tenant_id)


async def fetch_tenant_by_name(db: Db, name: str) -> Tenant | None:
    """Fetch a tenant by its name."""
    row = await db.fetchrow(_SQL["fetch_tenant_by_name"], name)
    return None if row is None else build_row(Tenant, row)


async def fetch_only_tenant(db: Db) -> Tenant | None:
    """Fetch the tenant if there is exactly one."""
    rows = await db.fetch(_SQL["fetch_first_tenants"])
    return build_row(Tenant, rows[0]) if len(rows) == 1 else None
