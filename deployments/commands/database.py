"""`pilito db`, and the database that the other verbs work on."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from config.settings import Settings, SettingsError
from deployments.runtime.data_dir import locked_data_dir, with_kept_key
from deployments.runtime.errors import DataDirInUseError, LaunchError
from deployments.wiring import get_secret_key
from persistence import migrate
from persistence.database import check_answers
from persistence.embedded.server import EmbeddedPostgres, split_password
from persistence.errors import DatabaseAwayError, PersistenceError
from persistence.secrets import Cipher


def open_psql(settings: Settings) -> int:
    """Run psql on the runtime's database; return its exit status."""
    with running_database(settings) as dsn:
        psql = EmbeddedPostgres(settings.data_dir / "postgres").psql
        address, password = split_password(dsn)
        # Arguments are seen by all users of the machine, the environment is not.
        secret = {} if password is None else {"PGPASSWORD": password}
        # Ctrl-C is psql's own: it ends a query there, and must not end us before it.
        ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
        pid = os.posix_spawn(
            psql,
            [str(psql), address],
            os.environ | secret,
            setsigdef=[signal.SIGINT],
        )
        _, status = os.waitpid(pid, 0)
        signal.signal(signal.SIGINT, ours)
    return os.waitstatus_to_exitcode(status)


def find_database(settings: Settings) -> str:
    """Return the DSN of a database that runs; start none and change nothing.

    Raises:
        SettingsError: there is none.
    """
    dsn = _check_external(settings)
    if dsn is not None:
        return dsn
    postgres = _embedded(settings)
    if not postgres.is_running:
        message = (
            "PILITO_DATABASE_URL: not set, and no embedded database runs in"
            f" {settings.data_dir}; start it with `pilito up`"
        )
        raise SettingsError(message)
    return postgres.start()


@contextmanager
def running_database(settings: Settings) -> Iterator[str]:
    """Yield the DSN of a migrated database; start the embedded one if it is down."""
    with ExitStack() as stack:
        dsn = _check_external(settings) or _start_embedded(settings, stack)
        migrate.upgrade(dsn)
        yield dsn


def load_cipher(settings: Settings, older: tuple[str, ...] = ()) -> Cipher:
    """Return the cipher of the setting or of the kept key; `older` keys only decrypt.

    The data directory must exist: a key that is not there yet is made in it.

    Raises:
        SettingsError: the kept key can't be used.
    """
    try:
        return Cipher(get_secret_key(with_kept_key(settings)), older=older)
    except LaunchError as error:
        raise SettingsError(str(error)) from error


def _check_external(settings: Settings) -> str | None:
    """Return the DSN of the setting, if there is one and its database answers."""
    if settings.database_url is None:
        return None
    dsn = settings.database_url.get_secret_value()
    try:
        asyncio.run(check_answers(dsn))
    except DatabaseAwayError as error:
        message = f"PILITO_DATABASE_URL: the database does not answer ({error})"
        raise SettingsError(message) from error
    return dsn


def _embedded(settings: Settings) -> EmbeddedPostgres:
    return EmbeddedPostgres(settings.data_dir / "postgres", log_dir=settings.logs_dir)


def _start_embedded(settings: Settings, stack: ExitStack) -> str:
    """Return the DSN of the runtime's database, or of one that the stack stops.

    A runtime that starts meanwhile would take up our server, and lose it when we stop
    it: so the data directory is held as the runtime holds it.
    """
    postgres = _embedded(settings)
    try:
        stack.enter_context(locked_data_dir(settings.data_dir))
    except DataDirInUseError as error:
        if not postgres.is_running:
            message = "the database is just being started; try again in a moment"
            raise PersistenceError(message) from error
    except LaunchError as error:
        raise SettingsError(str(error)) from error
    else:
        if not postgres.is_running:
            stack.callback(postgres.stop)
    return postgres.start()
