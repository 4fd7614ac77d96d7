"""`/api/token/`, `/api/logout/` and `/api/password/`: a person's own sign-ins."""

from typing import Annotated
from uuid import UUID, uuid4

import structlog
from fastapi import APIRouter, BackgroundTasks, Request, Response
from pydantic import StringConstraints

from deployments import accounts
from deployments.http.addresses import is_this_machine
from deployments.web.api import auth, errors, schemas
from deployments.web.api.people import passwords
from deployments.web.api.people.passwords import Attempt
from deployments.web.api.tokens import (
    LIFETIMES,
    TokenType,
    new_token_id,
)
from deployments.web.dependencies import Context, WebDependencies
from persistence import ids, sessions
from persistence.database import Db
from persistence.errors import DATABASE_AWAY
from persistence.secrets import hash_token
from persistence.sessions import SessionClaims
from persistence.tenants import fetch_tenant
from persistence.users import Role, User, change_password_hash, fetch_user

router = APIRouter(tags=["auth"])
log = structlog.get_logger("auth")

#: A client refreshes each half an hour; some have several windows.
REFRESHES_PER_USER = 30
#: An office is one address with many people behind it.
REFRESHES_PER_ADDRESS = 300

Username = Annotated[
    str,
    StringConstraints(min_length=1, max_length=accounts.MAX_USERNAME_CHARS),
    schemas.NoNul,
]
Password = Annotated[
    str,
    StringConstraints(min_length=1, max_length=accounts.MAX_PASSWORD_CHARS),
    schemas.NoNul,
]
NewPassword = Annotated[
    str,
    StringConstraints(
        min_length=accounts.MIN_PASSWORD_CHARS, max_length=accounts.MAX_PASSWORD_CHARS
    ),
    schemas.NoNul,
]


class Credentials(schemas.RequestBody):
    """User name and password."""

    username: Username
    password: Password


class RefreshRequest(schemas.RequestBody):
    """The refresh token, which outlives the access token."""

    refresh: Annotated[
        str, StringConstraints(min_length=1, max_length=4000), schemas.NoNul
    ]


class LogOut(schemas.RequestBody):
    """Which sign-ins end: this one, or with `everywhere` all of the person."""

    everywhere: bool = False


class PasswordChange(schemas.RequestBody):
    """The present password, and the new one."""

    old_password: Password
    new_password: NewPassword


class TokenPairOut(schemas.Answer):
    """The two tokens. The refresh token is good once: each answer has the next."""

    access: str
    refresh: str


class MeOut(schemas.Answer):
    """The person who is signed in, and their business."""

    id: UUID
    username: str
    role: Role
    is_superuser: bool
    tenant_id: UUID
    tenant_name: str


@router.post("/api/token/")
async def sign_in(
    body: Credentials, request: Request, context: Context, after: BackgroundTasks
) -> TokenPairOut:
    """Sign in with user name and password."""
    user = await check_credentials(context, body, request, after)
    return await open_session(context, context.pool, user)


async def check_credentials(
    context: WebDependencies,
    body: Credentials,
    request: Request,
    after: BackgroundTasks,
) -> User:
    """Return whose credentials these are.

    Raises:
        WrongPasswordError: unknown, inactive, or another password; never says which.
        TooManyRequestsError: too many attempts within the last minute.
    """
    attempt = Attempt(
        body.username, body.password, auth.client_address(request, context)
    )
    user = await passwords.find_user(context, attempt)
    if user is None or _is_demo_from_elsewhere(body, request, context):
        raise errors.WrongPasswordError
    if accounts.needs_rehash(user.password_hash):
        # After the answer, and beside the two places for checks: nobody waits for it.
        after.add_task(_upgrade_hash, context, user, body.password)
    return user


@router.post("/api/token/refresh/")
async def refresh_token(
    body: RefreshRequest, request: Request, context: Context
) -> TokenPairOut:
    """Get new tokens for a refresh token, which is used up by it.

    A refresh token that comes twice was copied: the whole sign-in ends.
    """
    limiter, address = context.rate_limiter, auth.client_address(request, context)
    await limiter.count(REFRESHES_PER_ADDRESS, "refresh-address", address)
    token = context.signer.read(body.refresh, TokenType.REFRESH)
    claims, at = token.session, context.clock.now()
    await limiter.count(REFRESHES_PER_USER, "refresh-user", str(claims.user_id))
    token_id, ends = new_token_id(), at + LIFETIMES[TokenType.REFRESH]
    user = await sessions.rotate_session(
        context.pool, claims, token.hash, hash_token(token_id), ends
    )
    if user is None:
        if await sessions.delete_session(
            context.pool, claims.session_id, claims.user_id
        ):
            log.warning("refresh_token_reused", user_id=str(claims.user_id))
        raise errors.NotSignedInError
    return _sign_pair(context, claims, token_id)


@router.post("/api/logout/", status_code=204)
async def log_out(
    principal: auth.SignedIn, context: Context, body: LogOut | None = None
) -> Response:
    """End this sign-in, with its tokens and windows; or all of the person's."""
    if body is not None and body.everywhere:
        await sessions.end_sessions(context.pool, principal.user_id)
    elif principal.session_id is not None:
        await sessions.delete_session(
            context.pool, principal.session_id, principal.user_id
        )
    return Response(status_code=204)


@router.post("/api/password/")
async def change_password(
    body: PasswordChange, principal: auth.SignedIn, request: Request, context: Context
) -> TokenPairOut:
    """Change your password. All your sign-ins end; the answer is a new one."""
    me = errors.require(await fetch_user(context.pool, principal.user_id))
    check_new_password(me.username, body.new_password, "new_password")
    address = auth.client_address(request, context)
    attempt = Attempt(me.username, body.old_password, address)
    user = await passwords.find_user(context, attempt)
    if user is None:
        message = "old_password: this is not your password"
        raise errors.InvalidValueError(message)
    password_hash = await passwords.hash_in_place(context, body.new_password)
    async with context.pool.acquire() as db, db.transaction():
        changed = await change_password_hash(db, user, password_hash)
        if changed is None:
            # Changed by somebody else at the same time: that one counts.
            raise errors.NotSignedInError
        log.info("password_changed", user_id=str(user.id))
        return await open_session(context, db, changed)


@router.get("/api/me/")
async def show_me(principal: auth.SignedIn, context: Context) -> MeOut:
    """Show who you are."""
    user = errors.require(await fetch_user(context.pool, principal.user_id))
    tenant = errors.require(await fetch_tenant(context.pool, user.tenant_id))
    return MeOut(
        id=user.id,
        username=user.username,
        role=user.role,
        is_superuser=user.is_superuser,
        tenant_id=tenant.id,
        tenant_name=tenant.name,
    )


async def open_session(context: WebDependencies, db: Db, user: User) -> TokenPairOut:
    """Begin a sign-in of the user and return its tokens."""
    token_id = new_token_id()
    claims = await begin_session(context, db, user, token_id)
    return _sign_pair(context, claims, token_id)


async def begin_session(
    context: WebDependencies, db: Db, user: User, token_id: str
) -> SessionClaims:
    """Begin a sign-in of the user, whose last token has this id."""
    at = context.clock.now()
    session_id = ids.SessionId(uuid4())
    await sessions.create_session(
        db,
        session_id,
        user,
        hash_token(token_id),
        at=at,
        ends=at + LIFETIMES[TokenType.REFRESH],
    )
    await sessions.prune_sessions(db, user, at)
    return SessionClaims(session_id, user.id, user.session_version)


def check_new_password(username: str, password: str, field: str) -> None:
    """Check a new password. Raises InvalidValueError, which names the field."""
    try:
        accounts.check_password(username, password, field)
    except accounts.AccountError as error:
        raise errors.InvalidValueError(str(error)) from error


def _sign_pair(
    context: WebDependencies, claims: SessionClaims, token_id: str
) -> TokenPairOut:
    signer, at = context.signer, context.clock.now()
    return TokenPairOut(
        access=signer.sign(claims, TokenType.ACCESS, at),
        refresh=signer.sign(claims, TokenType.REFRESH, at, token_id),
    )


def _is_demo_from_elsewhere(
    body: Credentials, request: Request, context: WebDependencies
) -> bool:
    """Whether the demo's public password comes from where a stranger may be."""
    return accounts.is_demo(body.username, body.password) and not (
        context.settings.is_local and is_this_machine(request)
    )


async def _upgrade_hash(context: WebDependencies, user: User, password: str) -> None:
    """Upgrade a hash of older parameters, one user at a time."""
    async with context.hash_upgrades:
        try:
            await accounts.upgrade_password_hash(context.pool, user, password)
        except DATABASE_AWAY as error:
            # The next sign-in tries again.
            log.warning("password_hash_not_upgraded", error=repr(error))
