"""`pilito createuser`, `passwd`, `disable` and their like: people who sign in."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable

from config.settings import PASSWORD_VARIABLE, SettingsError, load_settings
from deployments import accounts
from deployments.commands.database import running_database
from persistence.database import Connection, open_pool
from persistence.sessions import end_sessions
from persistence.users import (
    Role,
    User,
    change_password_hash,
    fetch_user_by_username,
    has_other_owner,
    set_user_active,
)

Say = Callable[[str], None]
Work = Callable[[Connection], Awaitable[str]]


def create(
    username: str,
    tenant: str,
    password: str,
    *,
    role: Role,
    is_superuser: bool,
    say: Say,
) -> None:
    """Create the person, and the business if there is none of that name.

    Raises:
        SettingsError: nobody could sign in with such a name or password.
    """
    username, tenant = username.strip(), tenant.strip()
    try:
        accounts.check_account(tenant, username)
        secret = password or _ask_password()
        accounts.check_account(tenant, username, secret)
    except accounts.AccountError as error:
        raise SettingsError(str(error)) from error

    async def store(db: Connection) -> str:
        await accounts.create_account(
            db, tenant, username, secret, role=role, is_superuser=is_superuser
        )
        return f"created {username} of {tenant}"

    _run(store, say)


def change_password(username: str, password: str, say: Say) -> None:
    """Give the person another password, and end all their sign-ins.

    Raises:
        SettingsError: there is no such person, or nobody could use the password.
    """
    try:
        secret = password or _ask_password()
        accounts.check_password(username, secret)
    except accounts.AccountError as error:
        raise SettingsError(str(error)) from error

    async def store(db: Connection) -> str:
        user = await _find(db, username)
        password_hash = await accounts.hash_password(secret)
        if await change_password_hash(db, user, password_hash) is None:
            message = "the password was just changed by somebody else; try again"
            raise SettingsError(message)
        return f"changed the password of {username}; all their sign-ins have ended"

    _run(store, say)


def set_active(username: str, say: Say, *, is_active: bool) -> None:
    """Disable the person at once, or enable them again.

    Raises:
        SettingsError: there is no such person, or their password is public.
    """

    async def store(db: Connection) -> str:
        user = await _find(db, username)
        if is_active:
            await _refuse_public_password(user)
        await set_user_active(db, user.id, is_active=is_active)
        if is_active:
            return f"enabled {username}"
        warning = (
            ""
            if user.role is not Role.OWNER or await has_other_owner(db, user)
            else "; their business has no active owner now"
        )
        return f"disabled {username}; all their sign-ins have ended{warning}"

    _run(store, say)


def log_out_everywhere(username: str, say: Say) -> None:
    """End all sign-ins of the person. Raises SettingsError if there is none."""

    async def store(db: Connection) -> str:
        user = await _find(db, username)
        await end_sessions(db, user.id)
        return f"all sign-ins of {username} have ended"

    _run(store, say)


async def _find(db: Connection, username: str) -> User:
    user = await fetch_user_by_username(db, username)
    if user is None:
        message = f"username: there is nobody called {username!r}"
        raise SettingsError(message)
    return user


async def _refuse_public_password(user: User) -> None:
    if user.username == accounts.DEMO_USERNAME and await accounts.verify_password(
        user.password_hash, accounts.DEMO_PASSWORD
    ):
        message = (
            "username: the demo's password is public; give the account another one"
            " first: pilito passwd demo"
        )
        raise SettingsError(message)


def _run(work: Work, say: Say) -> None:
    """Do the work in one transaction on the runtime's database, and say the result."""

    async def run(dsn: str) -> str:
        pool = await open_pool(dsn, max_size=1)
        try:
            async with pool.acquire() as connection, connection.transaction():
                return await work(connection)
        finally:
            await pool.close()

    with running_database(load_settings()) as dsn:
        told = asyncio.run(run(dsn))
    say(told)


def _ask_password() -> str:
    if not sys.stdin.isatty():
        message = f"{PASSWORD_VARIABLE}: set it, or pass --password"
        raise SettingsError(message)
    ask: Callable[[str], str] = getpass.getpass
    first = ask("Password: ")
    if first != ask("Again: "):
        message = "the passwords differ; nothing was changed"
        raise SettingsError(message)
    return first
