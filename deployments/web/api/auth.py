"""Authentication: the caller of each request, and what they may do."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from deployments.web.api import errors
from deployments.web.api.people.access import Rank, check_access
from deployments.web.api.tokens import TokenType
from deployments.web.dependencies import Context, WebDependencies
from persistence import api_keys, ids, sessions
from persistence.secrets import hash_token
from persistence.users import Role, User

_bearer = HTTPBearer(auto_error=False, description="The access token, or an API key.")

#: Stands for all clients whose address is not known.
THIS_MACHINE = "loopback"
#: An API key begins with this.
KEY_PREFIX = "pk_"
_KEY = re.compile(rf"{KEY_PREFIX}[A-Za-z0-9_-]{{43}}")
#: Keys that don't work, per minute and address. Each costs a query. A program that goes
#: on with a revoked key shuts out its neighbours only beyond ten calls a second.
MAX_FAILED_KEYS = 600


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: a person or a program of theirs, and the tenant of the call."""

    user_id: ids.UserId
    tenant_id: ids.TenantId
    #: Never true for a program: the runtime is administered by people.
    is_superuser: bool
    role: Role
    #: End of the token or key; None if it has none.
    expires_at: datetime | None
    #: The sign-in; None for a program.
    session_id: ids.SessionId | None = None
    key_id: ids.ApiKeyId | None = None
    #: Scopes of the key; None for a person.
    scopes: frozenset[str] | None = field(default=None)

    @property
    def rank(self) -> Rank:
        """The most that the caller may do."""
        if self.is_superuser:
            return Rank.SUPERUSER
        return Rank.OWNER if self.role is Role.OWNER else Rank.OPERATOR


async def authenticate(context: WebDependencies, token: str, address: str) -> Principal:
    """Return the owner of an access token or key; WebSockets call this themselves.

    Raises:
        NotSignedInError: it is not valid, or the access of its user has ended.
        TooManyRequestsError: too many keys from this address that don't work.
    """
    if token.startswith(KEY_PREFIX):
        return await _authenticate_key(context, token, address)
    return await authenticate_session(context, token, TokenType.ACCESS)


async def authenticate_session(
    context: WebDependencies, token: str, kind: TokenType
) -> Principal:
    """Return whose sign-in a token is of. Raises NotSignedInError."""
    read = context.signer.read(token, kind)
    user = await sessions.fetch_session_user(context.pool, read.session)
    if user is None:
        raise errors.NotSignedInError
    return _build_principal(user, read.session.session_id, read.expires_at)


async def require_principal(
    request: Request,
    context: Context,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """Return the caller, count the call, and check that they may make it."""
    if credentials is None:
        raise errors.NotSignedInError
    address = client_address(request, context)
    principal = await authenticate(context, credentials.credentials, address)
    await count_call(context, principal)
    route = f"{request.method} {request.scope['route'].path}"
    check_access(route, principal.rank, principal.scopes)
    return principal


SignedIn = Annotated[Principal, Depends(require_principal)]


async def count_call(context: WebDependencies, principal: Principal) -> None:
    """Count a call of the person, or of the program. Raises TooManyRequestsError."""
    key = ("api", str(principal.user_id))
    if principal.key_id is not None:
        # A program that runs wild must not shut its owner out.
        key = ("api-key", str(principal.key_id))
    await context.rate_limiter.count(context.settings.api_calls_per_minute, *key)


def client_address(connection: HTTPConnection, context: WebDependencies) -> str:
    """Return the address that failed sign-ins are counted for."""
    return context.addresses.read(connection) or THIS_MACHINE


async def _authenticate_key(
    context: WebDependencies, token: str, address: str
) -> Principal:
    if _KEY.fullmatch(token) is None:
        raise errors.NotSignedInError
    failures = (MAX_FAILED_KEYS, "api-key-address", address)
    await context.rate_limiter.check(*failures)
    at = context.clock.now()
    access = await api_keys.fetch_key_access(context.pool, hash_token(token), at)
    if access is None:
        await context.rate_limiter.count(*failures)
        raise errors.NotSignedInError
    if access.is_use_stale:
        await api_keys.touch_api_key(context.pool, access.tenant_id, access.key_id, at)
    return Principal(
        user_id=access.user_id,
        tenant_id=access.tenant_id,
        is_superuser=False,
        role=Role.OWNER if access.is_superuser else access.role,
        expires_at=access.expires_at,
        key_id=access.key_id,
        scopes=frozenset(access.scopes),
    )


def _build_principal(
    user: User, session_id: ids.SessionId, expires_at: datetime
) -> Principal:
    return Principal(
        user_id=user.id,
        tenant_id=user.tenant_id,
        is_superuser=user.is_superuser,
        role=user.role,
        expires_at=expires_at,
        session_id=session_id,
    )
