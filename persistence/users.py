"""The users of the tenants, who may sign in."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import cast
from uuid import uuid4

from persistence.database import Db
from persistence.errors import DuplicateRowError
from persistence.ids import TenantId, UserId
from persistence.queries import build_row, fetch_page, load_queries

_SQL = load_queries("users")
#: Announces that a user's access has changed, with the user's id.
ACCESS_CHANNEL = "pilito_access"


class Role(StrEnum):
    """The role of a person in a tenant."""

    #: Channels, people, alert routes and instructions, and all that operators do.
    OWNER = "owner"
    #: Conversations, knowledge and customers.
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class User:
    """A person of a tenant."""

    id: UserId
    tenant_id: TenantId
    username: str
    password_hash: str = field(repr=False)
    role: Role
    #: Beside the role: administers the runtime.
    is_superuser: bool
    is_active: bool
    #: Tokens that carry another one are invalid.
    session_version: int
    created_at: datetime


async def create_user(
    db: Db,
    tenant_id: TenantId,
    username: str,
    password_hash: str,
    *,
    role: Role = Role.OWNER,
    is_superuser: bool = False,
) -> User:
    """Create a user. Raises DuplicateRowError when the user name is taken."""
    row = await db.fetchrow(
        _SQL["insert_user"],
        uuid4(),
        tenant_id,
        username,
        password_hash,
        role,
        is_superuser,
    )
    if row is None:
        message = f"username: {username!r} is taken"
        raise DuplicateRowError(message)
    return build_row(User, row)


async def fetch_user(db: Db, user_id: UserId) -> User | None:
    """Fetch a user, active or not."""
    row = await db.fetchrow(_SQL["fetch_user"], user_id)
    return None if row is None else build_row(User, row)


async def fetch_user_by_username(db: Db, username: str) -> User | None:
    """Fetch a user by the name used to sign in, active or not."""
    row = await db.fetchrow(_SQL["fetch_user_by_username"], username)
    return None if row is None else build_row(User, row)


async def replace_password_hash(db: Db, user_id: UserId, old: str, new: str) -> bool:
    """Replace a password hash; False if it is not the old one any more."""
    row = await db.fetchrow(_SQL["replace_password_hash"], user_id, old, new)
    return row is not None


async def change_password_hash(db: Db, user: User, password_hash: str) -> User | None:
    """Set another password, which ends all sessions; None if it changed meanwhile."""
    row = await db.fetchrow(
        _SQL["change_password_hash"], user.id, user.password_hash, password_hash
    )
    return None if row is None else build_row(User, row)


async def set_user_active(db: Db, user_id: UserId, *, is_active: bool) -> None:
    """Allow or end a user's access, from the next request on."""
    await db.execute(_SQL["set_user_active"], user_id, is_active)


async def fetch_members_page(
    db: Db, tenant_id: TenantId, limit: int, offset: int
) -> tuple[int, tuple[User, ...]]:
    """Fetch a page of a tenant's people, and how many there are."""
    statements = (_SQL["fetch_members"], _SQL["count_members"])
    return await fetch_page(db, User, statements, (tenant_id,), limit, offset)


async def fetch_member(db: Db, tenant_id: TenantId, user_id: UserId) -> User | None:
    """Fetch a person of the tenant, active or not."""
    row = await db.fetchrow(_SQL["fetch_member"], tenant_id, user_id)
    return None if row is None else build_row(User, row)


async def has_other_owner(db: Db, user: User) -> bool:
    """Whether the tenant has another active owner than this user."""
    count = await db.fetchval(_SQL["count_other_owners"], user.tenant_id, user.id)
    return cast("int", count) > 0


async def edit_member(
    db: Db,
    tenant_id: TenantId,
    user_id: UserId,
    *,
    role: Role | None = None,
    is_active: bool | None = None,
) -> User | None:
    """Change a person's role or access; None leaves a field as it is."""
    row = await db.fetchrow(_SQL["edit_member"], tenant_id, user_id, role, is_active)
    return None if row is None else build_row(User, row)


async def delete_member(db: Db, tenant_id: TenantId, user_id: UserId) -> bool:
    """Delete a person with their sessions and keys; False if there is none."""
    return await db.fetchval(_SQL["delete_member"], tenant_id, user_id) is not None
