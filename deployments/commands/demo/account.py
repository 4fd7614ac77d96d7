"""The demo's account: opened under `--demo`, disabled at every other start.

Its password is public and it is a superuser, so it must not outlive the demo.
"""

import asyncio

from actors.clock import Clock, SystemClock
from config.flags import FlagName, SetFlag
from config.settings import load_settings
from deployments import accounts
from deployments.runtime.errors import DemoNameTakenError
from deployments.wiring import get_cipher, get_dsn
from persistence import channels
from persistence.channels import ChannelKind
from persistence.database import Connection, open_pool
from persistence.flags import (
    RUNTIME_AUTHOR,
    clear_flag,
    fetch_flag_changes_page,
    fetch_flags,
    set_flag,
)
from persistence.secrets import Cipher
from persistence.users import User, fetch_user_by_username, set_user_active

#: Public key of the demo's chat window, as it stands in the page's address.
WEBSITE_KEY = "demo"


async def open_account(db: Connection, cipher: Cipher) -> User:
    """Return the demo's user, made or enabled again where needed.

    Raises:
        DemoNameTakenError: a user or a business of that name is somebody else's.
    """
    try:
        # Whoever tries the demo turns its flags, too; it is theirs alone.
        user = await accounts.ensure_account(
            db,
            accounts.DEMO_TENANT,
            accounts.DEMO_USERNAME,
            accounts.DEMO_PASSWORD,
            is_superuser=True,
        )
    except accounts.ForeignAccountError as error:
        message = f"{error}. {DemoNameTakenError.__doc__}"
        raise DemoNameTakenError(message) from error
    if not user.is_active:
        await set_user_active(db, user.id, is_active=True)
        await _pause_chat(db, cipher, user, is_paused=False)
    return user


def retire() -> bool:
    """Disable the demo's account and chat, and take back its flags.

    Returns:
        Whether the account was enabled until now.
    """
    settings = load_settings()
    return asyncio.run(_retire(get_dsn(settings), get_cipher(settings)))


async def _retire(dsn: str, cipher: Cipher) -> bool:
    pool = await open_pool(dsn, max_size=1)
    try:
        async with pool.acquire() as connection, connection.transaction():
            return await retire_account(connection, cipher, SystemClock())
    finally:
        await pool.close()


async def retire_account(db: Connection, cipher: Cipher, clock: Clock) -> bool:
    """Do the work of `retire` in the caller's transaction."""
    user = await _find_account(db)
    await _take_flags_back(db, clock, user)
    if user is None or not user.is_active:
        return False
    await set_user_active(db, user.id, is_active=False)
    await _pause_chat(db, cipher, user, is_paused=True)
    return True


async def switch_on(db: Connection, clock: Clock) -> None:
    """Switch ProductionRAG on; whoever switched it off later keeps their word."""
    _, changes = await fetch_flag_changes_page(db, FlagName.PRODUCTION_RAG, 1, 0)
    if not changes or changes[0].author == RUNTIME_AUTHOR:
        flags = await fetch_flags(db)
        if FlagName.PRODUCTION_RAG not in flags:
            flag = SetFlag(value=True)
            await set_flag(db, FlagName.PRODUCTION_RAG, flag, clock.now(), by=None)


async def _find_account(db: Connection) -> User | None:
    """Find the account that the public password opens, whatever its business."""
    user = await fetch_user_by_username(db, accounts.DEMO_USERNAME)
    if user is None:
        return None
    # A person who gave the account a password of their own has made it theirs.
    is_public = await accounts.verify_password(
        user.password_hash, accounts.DEMO_PASSWORD
    )
    return user if is_public else None


async def _take_flags_back(db: Connection, clock: Clock, user: User | None) -> None:
    """Return the flags that the demo set last to their defaults."""
    authors = set() if user is None else {user.username}
    # Without a user, only the demo sets flags; a person may bear that name, too.
    if await fetch_user_by_username(db, RUNTIME_AUTHOR) is None:
        authors.add(RUNTIME_AUTHOR)
    for name in await fetch_flags(db):
        _, changes = await fetch_flag_changes_page(db, name, 1, 0)
        if changes and changes[0].author in authors:
            await clear_flag(db, name, clock.now(), by=None)


async def _pause_chat(
    db: Connection, cipher: Cipher, user: User, *, is_paused: bool
) -> None:
    chat = await channels.fetch_channel_by_account(db, ChannelKind.WEBSITE, WEBSITE_KEY)
    if chat is not None and chat.tenant_id == user.tenant_id:
        edit = channels.ChannelEdit(is_paused=is_paused)
        await channels.edit_channel(db, cipher, user.tenant_id, chat.id, edit)
