"""The command line: `pilito up` and what an administrator types beside it."""

import asyncio
import getpass
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from config.settings import (
    PASSWORD_VARIABLE,
    Settings,
    SettingsError,
    load_settings,
)
from persistence.errors import DatabaseAwayError, PersistenceError
from retrieval.errors import RetrievalError
from retrieval.evaluation.pipelines import Pipeline

app = typer.Typer(
    help="Pilito answers, hands over and never loses a customer's message.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

USAGE_ERROR = 2


def main() -> None:
    """Run the command line; a wrong setting is one clear line and exit 2."""
    try:
        app()
    except SettingsError as error:
        sys.exit(_complain(str(error), USAGE_ERROR))
    except (PersistenceError, RetrievalError) as error:
        sys.exit(_complain(str(error), 1))


@app.command()
def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="Add a Persian clothing shop to try it on.")
    ] = False,
) -> None:
    """Run everything in the foreground, until Ctrl-C."""
    # Ray takes a second to import: `pilito --help` should not.
    from deployments import runtime

    raise typer.Exit(runtime.up(load_settings(), demo=demo))


@app.command()
def createuser(
    username: str,
    tenant: Annotated[
        str, typer.Option(help="The business; made if there is none of that name.")
    ],
    password: Annotated[
        str, typer.Option(help="Asked for when left out.", envvar=PASSWORD_VARIABLE)
    ] = "",
) -> None:
    """Create a person who signs in for a business."""
    _create(username, tenant, password, is_superuser=False)


@app.command()
def createsuperuser(
    username: str,
    tenant: Annotated[str, typer.Option(help="The business they belong to.")],
    password: Annotated[
        str, typer.Option(help="Asked for when left out.", envvar=PASSWORD_VARIABLE)
    ] = "",
) -> None:
    """Create a person who may also administer the runtime."""
    _create(username, tenant, password, is_superuser=True)


@app.command()
def db() -> None:
    """Open psql on the runtime's database."""
    from persistence.embedded.server import EmbeddedPostgres, split_password

    settings = load_settings()
    with _database(settings) as dsn:
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
    raise typer.Exit(os.waitstatus_to_exitcode(status))


@app.command()
def replay(conversation_id: UUID) -> None:
    """Rebuild a conversation from its events and compare it with what is stored.

    Ends with 0 when they are the same, 1 when not, 2 when there is nothing to compare.
    It reads and never writes: run it beside a runtime that is at work.
    """
    from actors.conversation.rules.policy import Policy
    from deployments.commands.replay import replay as run
    from persistence.ids import ConversationId

    settings = load_settings()
    policy = Policy(
        reply_debounce=settings.reply_debounce, share_timeout=settings.share_timeout
    )
    verdict = asyncio.run(
        run(
            _find_database(settings),
            ConversationId(conversation_id),
            policy,
            typer.echo,
        )
    )
    raise typer.Exit(verdict)


def _find_database(settings: Settings) -> str:
    """Return the DSN of a database that runs; start none and change nothing.

    Raises:
        SettingsError: there is none.
    """
    from persistence.embedded.server import EmbeddedPostgres

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


@app.command("seed-services")
def seed_services(
    file: Annotated[
        Path | None, typer.Option(help="PILITO_SERVICES_JSON when left out.")
    ] = None,
    tenant: Annotated[
        str, typer.Option(help="The business; may be left out if there is only one.")
    ] = "",
    update: Annotated[
        bool, typer.Option("--update", help="Also change services that differ.")
    ] = False,
) -> None:
    """Have the services of a file watched."""
    from deployments.commands.seed_services import load_services, seed_file
    from deployments.runtime.secret_key import with_kept_key
    from deployments.wiring import get_cipher

    settings = load_settings()
    wanted = load_services(file or settings.services_json)
    with _database(settings) as dsn:
        # The database's start has made the data directory, where the key is kept.
        cipher = get_cipher(with_kept_key(settings))
        asyncio.run(
            seed_file(dsn, cipher, wanted, tenant, update=update, say=typer.echo)
        )


@app.command()
def evaluate(
    corpus: Annotated[Path, typer.Option(help="Passages, JSONL: id, title, text.")],
    queries: Annotated[Path, typer.Option(help="Questions, JSONL: text, relevant.")],
    pipeline: Annotated[
        Pipeline, typer.Option(help="What is to be measured.")
    ] = Pipeline.PRODUCTION_RAG,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object.")
    ] = False,
) -> None:
    """Measure how well a pipeline finds a labelled set's passages.

    By the embedding model and the weight of the settings, as the runtime searches.
    """
    # The model's library is loaded by those who measure, not by `pilito --help`.
    from deployments.commands.evaluate import evaluate as run
    from retrieval.evaluation import LabelledSetError

    settings = load_settings()
    try:
        run(
            corpus,
            queries,
            pipeline,
            model=settings.embedding_model,
            dense_weight=settings.dense_weight,
            as_json=as_json,
        )
    except LabelledSetError as error:
        raise typer.Exit(_complain(str(error), USAGE_ERROR)) from error


@app.command("analyze-logs")
def analyze_logs(
    hours: Annotated[
        int, typer.Option(min=1, max=744, help="How far back to look.")
    ] = 24,
    tenant: Annotated[
        str | None, typer.Option(help="One business; all of them when left out.")
    ] = None,
) -> None:
    """Find anomalies in the checks of services, and write digests."""
    from deployments.commands.analyze_logs import analyze_logs as run
    from deployments.monitoring.errors import AnalysisBusyError

    settings = load_settings()
    try:
        status = asyncio.run(
            run(_find_database(settings), settings, tenant, hours, typer.echo)
        )
    except AnalysisBusyError as error:
        raise typer.Exit(_complain(str(error), 1)) from error
    raise typer.Exit(status)


def _create(username: str, tenant: str, password: str, *, is_superuser: bool) -> None:
    from deployments.accounts import AccountError, check_account, create_account
    from persistence.database import open_pool

    username, tenant = username.strip(), tenant.strip()
    try:
        check_account(tenant, username)
        secret = password or _ask_password()
        check_account(tenant, username, secret)
    except AccountError as error:
        raise SettingsError(str(error)) from error

    async def create(dsn: str) -> None:
        pool = await open_pool(dsn, max_size=1)
        try:
            async with pool.acquire() as connection, connection.transaction():
                await create_account(
                    connection, tenant, username, secret, is_superuser=is_superuser
                )
        finally:
            await pool.close()

    with _database(load_settings()) as dsn:
        asyncio.run(create(dsn))
    typer.echo(f"created {username} of {tenant}")


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


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """Yield the DSN of a migrated database; start the embedded one if it is down."""
    from persistence import migrate

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
    from persistence.database import check_answers

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
    from deployments.runtime.errors import DataDirInUseError, LaunchError
    from deployments.runtime.lock import DataDirLock
    from persistence.embedded.server import EmbeddedPostgres

    postgres = EmbeddedPostgres(
        settings.data_dir / "postgres", log_dir=settings.logs_dir
    )
    with ExitStack() as stack:
        try:
            stack.enter_context(DataDirLock(settings.data_dir))
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


def _complain(message: str, code: int) -> int:
    typer.echo(f"pilito: {message}", err=True)
    return code
