"""`pilito db`, and the database that the other verbs work on."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from config.settings import Settings, SettingsError
from deployments.runtime.errors import DataDirInUseError, LaunchError
from deployments.runtime.lock import locked_data_dir
from persistence import migrate
from persistence.database import check_answers
from persistence.embedded.server import EmbeddedPostgres, split_password
from persistence.errors import DatabaseAwayError, PersistenceError


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
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        _check_database(dsn)
        return dsn
    postgres = EmbeddedPostgres(
        settings.data_dir / "postgres", log_dir=settings.logs_dir
    )
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
    if settings.database_url is None:
        with _embedded_database(settings) as dsn:
            migrate.upgrade(dsn)
            yield dsn
        return
    dsn = settings.database_url.get_secret_value()
    _check_database(dsn)
    migrate.upgrade(dsn)
    yield dsn


def _check_database(dsn: str) -> None:
    try:
        asyncio.run(check_answers(dsn))
    except DatabaseAwayError as error:
        message = f"PILITO_DATABASE_URL: the database does not answer ({error})"
        raise SettingsError(message) from error


@contextmanager
def _embedded_database(settings: Settings) -> Iterator[str]:
    """Yield the DSN of the runtime's database, or of one started for the while.

    A runtime that starts meanwhile would take up our server, and lose it when we stop
    it: so the data directory is held as the runtime holds it.
    """
    postgres = EmbeddedPostgres(
        settings.data_dir / "postgres", log_dir=settings.logs_dir
    )
    with ExitStack() as stack:
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
        yield postgres.start()
