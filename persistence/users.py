"""The users of the tenants, who may sign in."""

from dataclasses import dataclass, field
from uuid import uuid4

import asyncpg

from persistence.database import Db
from persistence.errors import DuplicateRowError
from persistence.ids import TenantId, UserId
from persistence.queries import load_queries

_SQL = load_queries("users")


@dataclass(frozen=True, slots=True)
class User:
    """A person of a tenant."""

    id: UserId
    tenant_id: TenantId
    username: str
    password_hash: str = field(repr=False)
    is_superuser: bool
    is_active: bool


async def create_user(
    db: Db,
    tenant_id: TenantId,
    username: str,
    password_hash: str,
    *,
    is_superuser: bool = False,
) -> User:
    """Create a user. Raises DuplicateRowError when the user name is taken."""
    row = await db.fetchrow(
        _SQL["insert_user"], uuid4(), tenant_id, username, password_hash, is_superuser
    )
    if row is None:
        message = f"username: {username!r} is taken"
        raise DuplicateRowError(message)
    return _user(row)


async def fetch_user(db: Db, user_id: UserId) -> User | None:
    """Fetch a user, active or not."""
    row = await db.fetchrow(_SQL["fetch_user"], user_id)
    return None if row is None else _user(row)


async def fetch_user_by_username(db: Db, username: str) -> User | None:
    """Fetch a user by the name used to sign in, active or not."""
    row = await db.fetchrow(_SQL["fetch_user_by_username"], username)
    return None if row is None else _user(row)


async def replace_password_hash(db: Db, user_id: UserId, old: str, new: str) -> bool:
    """Replace a password hash; False if it is not the old one any more."""
    row = await db.fetchrow(_SQL["replace_password_hash"], user_id, old, new)
    return row is not None


async def set_user_active(db: Db, user_id: UserId, *, is_active: bool) -> None:
    """Allow or end a user's access, from the next request on."""
    await db.execute(_SQL["set_user_active"], user_id, is_active)


def _user(row: asyncpg.Record) -> User:
    return User(
        id=UserId(row["id"]),
        tenant_id=TenantId(row["tenant_id"]),
        username=row["username"],
        password_hash=row["password_hash"],
        is_superuser=row["is_superuser"],
        is_active=row["is_active"],
    )
