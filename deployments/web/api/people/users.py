"""`/api/users/`: the people of a business, for its owners."""

from datetime import datetime
from uuid import UUID

import structlog
from fastapi import APIRouter, Response

from deployments.web.api import auth, errors, schemas
from deployments.web.dependencies import Context
from persistence import ids, users
from persistence.database import Connection
from persistence.tenants import lock_tenant
from persistence.users import Role, User

router = APIRouter(prefix="/api/users", tags=["people"])
log = structlog.get_logger("people")


class UserPatch(schemas.RequestBody):
    """A change of a person's role, or of whether they may sign in."""

    role: Role | None = None
    is_active: bool | None = None


class UserOut(schemas.Answer):
    """A person of the business."""

    id: UUID
    username: str
    role: Role
    is_superuser: bool
    is_active: bool
    created_at: datetime


@router.get("/")
async def list_users(
    principal: auth.SignedIn, context: Context, paging: schemas.Paging
) -> schemas.Page[UserOut]:
    """List the people of your business. For owners."""
    count, rows = await users.fetch_members_page(
        context.pool, principal.tenant_id, paging.limit, paging.offset
    )
    return paging.build(count, map(UserOut.model_validate, rows))


@router.get("/{user_id}/")
async def show_user(
    user_id: UUID, principal: auth.SignedIn, context: Context
) -> UserOut:
    """Show a person. For owners."""
    user = await users.fetch_member(
        context.pool, principal.tenant_id, ids.UserId(user_id)
    )
    return UserOut.model_validate(errors.require(user))


@router.patch("/{user_id}/")
async def edit_user(
    user_id: UUID, body: UserPatch, principal: auth.SignedIn, context: Context
) -> UserOut:
    """Change a person's role, or disable or enable them. For owners.

    Whoever is disabled loses all tokens, keys and open windows at once. A business
    keeps an active owner: the last one is neither disabled nor made an operator.
    """
    async with context.pool.acquire() as db, db.transaction():
        user = await _lock_user(db, principal, ids.UserId(user_id))
        if body.role is Role.OPERATOR or body.is_active is False:
            await _refuse_last_owner(db, user)
        changed = await users.edit_member(
            db, user.tenant_id, user.id, role=body.role, is_active=body.is_active
        )
    log.info(
        "user_changed",
        user_id=str(user_id),
        by=str(principal.user_id),
        role=body.role,
        is_active=body.is_active,
    )
    return UserOut.model_validate(errors.require(changed))


@router.delete("/{user_id}/", status_code=204)
async def delete_user(
    user_id: UUID, principal: auth.SignedIn, context: Context
) -> Response:
    """Remove a person with their sign-ins, keys and invitations. For owners.

    What they wrote stays. The last active owner is not removed.
    """
    async with context.pool.acquire() as db, db.transaction():
        user = await _lock_user(db, principal, ids.UserId(user_id))
        await _refuse_last_owner(db, user)
        await users.delete_member(db, user.tenant_id, user.id)
    log.info("user_deleted", user_id=str(user_id), by=str(principal.user_id))
    return Response(status_code=204)


async def _lock_user(
    db: Connection, principal: auth.Principal, user_id: ids.UserId
) -> User:
    """Return the person, whom nobody else changes until the transaction ends.

    Raises:
        NotFoundError: the business has no such person.
        SuperuserOnlyError: an owner must not disable who runs the runtime.
        RoleNeededError: the caller was an owner a moment ago, and is none any more.
    """
    await lock_tenant(db, principal.tenant_id)
    user = errors.require(await users.fetch_member(db, principal.tenant_id, user_id))
    if user.is_superuser and not principal.is_superuser:
        message = "Only a superuser may change a superuser's account."
        raise errors.SuperuserOnlyError(message)
    # Two owners may demote each other at once: the first has made the second an
    # operator, who must not go on with what an owner began.
    caller = await users.fetch_member(db, principal.tenant_id, principal.user_id)
    is_owner = caller is not None and caller.is_active and caller.role is Role.OWNER
    if not is_owner and not principal.is_superuser:
        raise errors.RoleNeededError
    return user


async def _refuse_last_owner(db: Connection, user: User) -> None:
    """Raise LastOwnerError if the business would be left without an active owner."""
    is_owner = user.role is Role.OWNER and user.is_active
    if is_owner and not await users.has_other_owner(db, user):
        raise errors.LastOwnerError
