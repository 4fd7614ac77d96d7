"""User accounts: creating them, and hashing and checking their passwords."""

import asyncio

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from persistence import tenants, users
from persistence.database import Connection, Db

#: Checked for an unknown user name, so that both answers take the same time.
#: Made from random bytes that were not kept, with the parameters of `_HASHER`.
NOBODYS_HASH = (
    "$argon2id$v=19$m=65536,t=3,p=4$u7o4PoZocrHD/vw8GNDEXA"
    "$FHCFu9/evnuzNPAwfKUTeQvJALpFiW30LlDpWZZAkeo"
)
#: Limits of the sign-in form: nobody could use an account with longer ones.
MAX_USERNAME_CHARS = 150
#: Fewer are guessed from a leaked hash within days.
MIN_PASSWORD_CHARS = 10
MAX_PASSWORD_CHARS = 1000
MAX_TENANT_CHARS = 200
#: A check takes 64 MiB and a core for some 50 ms: a flood must not take them all.
MAX_PARALLEL_CHECKS = 2

#: Account of the demo shop. Everybody knows its password, so a start without `--demo`
#: disables it, and nobody from outside this machine signs in with it.
DEMO_TENANT = "demo"
DEMO_USERNAME = "demo"
DEMO_PASSWORD = "demo"  # noqa: S105 - public on purpose

_HASHER = PasswordHasher()

log = structlog.get_logger("accounts")


class AccountError(ValueError):
    """An account can't have this name or password."""


class ForeignAccountError(AccountError):
    """The name belongs to another account, which stays as it is."""


def check_account(tenant: str, username: str, password: str | None = None) -> None:
    """Check names and password against the limits of signing in.

    Raises:
        AccountError: a field is wrong; the message begins with its name.
    """
    for field, value, most in (
        ("username", username, MAX_USERNAME_CHARS),
        ("tenant", tenant, MAX_TENANT_CHARS),
    ):
        if not value.strip():
            message = f"{field}: must not be empty"
            raise AccountError(message)
        if len(value) > most or "\x00" in value:
            message = f"{field}: must have at most {most} characters, and no NUL"
            raise AccountError(message)
    if password is not None:
        check_password(username, password)


def check_password(username: str, password: str, field: str = "password") -> None:
    """Check a new password. Raises AccountError with the reason, after `field`."""
    reason = ""
    if len(password) < MIN_PASSWORD_CHARS:
        reason = f"must have at least {MIN_PASSWORD_CHARS} characters"
    elif len(password) > MAX_PASSWORD_CHARS or "\x00" in password:
        reason = f"must have at most {MAX_PASSWORD_CHARS} characters, and no NUL"
    elif not password.strip() or password.casefold() == username.casefold():
        reason = "must be neither blank nor the user name"
    if reason:
        message = f"{field}: {reason}"
        raise AccountError(message)


def is_demo(username: str, password: str) -> bool:
    """Whether these are the demo's user name and its public password."""
    return username == DEMO_USERNAME and password == DEMO_PASSWORD


async def hash_password(password: str) -> str:
    """Hash a password with argon2id, in a thread."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def verify_password(password_hash: str, password: str) -> bool:
    """Whether the password is the one that was hashed; checked in a thread."""
    return await asyncio.to_thread(_verify, password_hash, password)


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


async def upgrade_password_hash(db: Db, user: users.User, password: str) -> None:
    """Replace a user's hash by one of today's parameters; the password was verified."""
    password_hash = await hash_password(password)
    if await users.replace_password_hash(
        db, user.id, user.password_hash, password_hash
    ):
        log.info("password_hash_upgraded", user_id=str(user.id))


async def create_account(
    db: Connection,
    tenant_name: str,
    username: str,
    password: str,
    *,
    role: users.Role = users.Role.OWNER,
    is_superuser: bool = False,
) -> users.User:
    """Create a user, and the tenant if there is none of that name yet.

    The caller owns the transaction.

    Raises:
        DuplicateRowError: the user name is taken.
    """
    password_hash = await hash_password(password)
    tenant = await tenants.fetch_tenant_by_name(db, tenant_name)
    if tenant is None:
        tenant = await tenants.create_tenant(db, tenant_name)
    return await users.create_user(
        db,
        tenant.id,
        username,
        password_hash,
        role=role,
        is_superuser=is_superuser,
    )


async def ensure_account(
    db: Connection,
    tenant_name: str,
    username: str,
    password: str,
    *,
    is_superuser: bool = False,
) -> users.User:
    """Return the user of this name, business and password; made if both names are free.

    Raises:
        ForeignAccountError: another account has the name of the user or the business.
    """
    user = await users.fetch_user_by_username(db, username)
    tenant = await tenants.fetch_tenant_by_name(db, tenant_name)
    if user is None and tenant is None:
        return await create_account(
            db, tenant_name, username, password, is_superuser=is_superuser
        )
    if user is None:
        # A user of ours in a business of somebody else would read its customers.
        message = f"tenant: a business called {tenant_name!r} exists already"
        raise ForeignAccountError(message)
    if (
        tenant is None
        or user.tenant_id != tenant.id
        or not await verify_password(user.password_hash, password)
    ):
        message = f"username: {username!r} has another password or business"
        raise ForeignAccountError(message)
    return user


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
