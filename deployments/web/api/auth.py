"""Authentication: signing in, and the access token of each later call."""

from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import StringConstraints

from deployments import accounts
from deployments.web.api import errors, schemas
from deployments.web.api.tokens import TokenSigner, TokenType
from deployments.web.dependencies import Context, WebDependencies
from persistence import database, ids
from persistence.errors import DATABASE_AWAY
from persistence.users import User, fetch_user, fetch_user_by_username

router = APIRouter(tags=["auth"])
log = structlog.get_logger("auth")
#: Stands for all clients whose address is not known.
THIS_MACHINE = "loopback"
_bearer = HTTPBearer(auto_error=False, description="The access token.")


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: a signed-in user, and the tenant that the call is for."""

    user_id: ids.UserId
    tenant_id: ids.TenantId
    is_superuser: bool


class Credentials(schemas.RequestBody):
    """User name and password."""

    username: Annotated[
        str,
        StringConstraints(min_length=1, max_length=accounts.MAX_USERNAME_CHARS),
        schemas.NoNul,
    ]
    password: Annotated[
        str,
        StringConstraints(min_length=1, max_length=accounts.MAX_PASSWORD_CHARS),
        schemas.NoNul,
    ]


class RefreshRequest(schemas.RequestBody):
    """The refresh token, which outlives the access token."""

    refresh: Annotated[
        str, StringConstraints(min_length=1, max_length=4000), schemas.NoNul
    ]


class TokenPairOut(schemas.Answer):
    """The two tokens."""

    access: str
    refresh: str


class AccessTokenOut(schemas.Answer):
    """A new access token."""

    access: str


@router.post("/api/token/")
async def sign_in(
    body: Credentials, request: Request, context: Context, after: BackgroundTasks
) -> TokenPairOut:
    """Sign in with user name and password."""
    user = await _check_password(context, body, client_address(request, context))
    if accounts.needs_rehash(user.password_hash):
        # After the answer, and beside the two places for checks: nobody waits for it.
        after.add_task(_upgrade_hash, context, user, body.password)
    signer, at = context.signer, context.clock.now()
    return TokenPairOut(
        access=signer.sign(user.id, TokenType.ACCESS, at),
        refresh=signer.sign(user.id, TokenType.REFRESH, at),
    )


@router.post("/api/token/refresh/")
async def refresh_token(body: RefreshRequest, context: Context) -> AccessTokenOut:
    """Get a new access token for a refresh token."""
    user_id = context.signer.read(body.refresh, TokenType.REFRESH)
    await _fetch_active_user(context.pool, user_id)
    at = context.clock.now()
    return AccessTokenOut(access=context.signer.sign(user_id, TokenType.ACCESS, at))


async def authenticate(db: database.Db, signer: TokenSigner, token: str) -> Principal:
    """Return the owner of an access token; WebSockets call this themselves.

    Raises:
        NotSignedInError: the token is not valid, or its user is not active.
    """
    user = await _fetch_active_user(db, signer.read(token, TokenType.ACCESS))
    return Principal(user.id, user.tenant_id, user.is_superuser)


async def require_principal(
    context: Context,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """Return the caller, and count the call."""
    if credentials is None:
        raise errors.NotSignedInError
    token = credentials.credentials
    principal = await authenticate(context.pool, context.signer, token)
    await context.rate_limiter.count(
        context.settings.api_calls_per_minute, "api", str(principal.user_id)
    )
    return principal


SignedIn = Annotated[Principal, Depends(require_principal)]


async def require_superuser(principal: SignedIn) -> Principal:
    """Return the caller, if they may administer the runtime."""
    if not principal.is_superuser:
        raise errors.SuperuserOnlyError
    return principal


Superuser = Annotated[Principal, Depends(require_superuser)]


def client_address(request: Request, context: WebDependencies) -> str:
    """Return the address that failed sign-ins are counted for."""
    return context.addresses.read(request) or THIS_MACHINE


async def _check_password(
    context: WebDependencies, body: Credentials, address: str
) -> User:
    """Return the user, or count the failure against name and address.

    Raises:
        WrongPasswordError: unknown, inactive, or another password; never says which.
        TooManyRequestsError: too many failures in the last minute.
    """
    keys = (("sign-in-user", body.username), ("sign-in-address", address))
    limit = context.settings.login_attempts_per_minute
    # Inside the semaphore: a hundred guesses at once must not all pass the check before
    # the first of them is counted.
    async with context.password_checks:
        for key in keys:
            await context.rate_limiter.check(limit, *key)
        user = await fetch_user_by_username(context.pool, body.username)
        # An unknown name takes as long as a known one.
        password_hash = accounts.NOBODYS_HASH if user is None else user.password_hash
        is_right = await accounts.verify_password(password_hash, body.password)
        if user is not None and user.is_active and is_right:
            return user
        for key in keys:
            await context.rate_limiter.count(limit, *key)
    raise errors.WrongPasswordError


async def _upgrade_hash(context: WebDependencies, user: User, password: str) -> None:
    """Upgrade a hash of older parameters, one user at a time."""
    async with context.hash_upgrades:
        try:
            await accounts.upgrade_password_hash(context.pool, user, password)
        except DATABASE_AWAY as error:
            # The next sign-in tries again.
            log.warning("password_hash_not_upgraded", error=repr(error))


async def _fetch_active_user(db: database.Db, user_id: ids.UserId) -> User:
    user = await fetch_user(db, user_id)
    if user is None or not user.is_active:
        raise errors.NotSignedInError
    return user
