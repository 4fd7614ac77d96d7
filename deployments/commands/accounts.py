"""`pilito createuser` and `createsuperuser`: people who sign in for a business."""

import asyncio
import getpass
import sys
from collections.abc import Callable

from config.settings import PASSWORD_VARIABLE, SettingsError, load_settings
from deployments import accounts
from deployments.commands.database import running_database
from persistence.database import open_pool


def create(
    username: str,
    tenant: str,
    password: str,
    *,
    is_superuser: bool,
    say: Callable[[str], None],
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

    async def store(dsn: str) -> None:
        pool = await open_pool(dsn, max_size=1)
        try:
            async with pool.acquire() as connection, connection.transaction():
                await accounts.create_account(
                    connection, tenant, username, secret, is_superuser=is_superuser
                )
        finally:
            await pool.close()

    with running_database(load_settings()) as dsn:
        asyncio.run(store(dsn))
    say(f"created {username} of {tenant}")


def _ask_password() -> str:
    if not sys.stdin.isatty():
        message = f"{PASSWORD_VARIABLE}: set it, or pass --password"
        raise SettingsError(message)
    ask: Callable[[str], str] = getpass.getpass
    first = ask("Password: ")
    if first != ask("Again: "):
        message = "the passwords differ; nobody was created"
        raise SettingsError(message)
    return first
