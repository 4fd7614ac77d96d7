"""`pilito up`: starts every part in order, watches them, and stops them in reverse."""

import asyncio
import importlib
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Thread

import structlog
from rich.markup import escape

from config.logging import rotate_logs, setup_logging
from config.settings import PREFIX, Settings
from deployments.runtime import errors, orphans
from deployments.runtime.connections import (
    check_connections,
    count_connections,
    fetch_allowed_connections,
)
from deployments.runtime.data_dir import locked_data_dir, move_to_files, with_kept_key
from deployments.runtime.environment import build_environment
from deployments.runtime.exposure import check_demo_is_local, collect_warnings
from deployments.runtime.open_files import (
    FILES_PER_CONNECTION,
    OTHER_FILES,
    fit_connections,
)
from deployments.runtime.ports import check_free, find_block
from deployments.runtime.ray_cluster import JoinedRay, LocalRay, find_address, stop_ray
from deployments.runtime.ray_workarounds.haproxy import ConnectionLimits
from deployments.runtime.ray_workarounds.process_end import exit_without_ray
from deployments.runtime.runtime_dir import RuntimeDir
from deployments.runtime.serve_applications import ServeApplications
from deployments.runtime.shutdown import StepThread, StopSignal, finish
from deployments.runtime.term_watch import TermWatch
from deployments.runtime.terminal import Progress, Terminal
from persistence import migrate
from persistence.database import check_answers
from persistence.embedded.server import EmbeddedPostgres
from persistence.errors import DatabaseAwayError, PersistenceError

log = structlog.get_logger("runtime")

#: The whole stop takes 15 s at most; what comes after these takes one or two.
STOP_BUDGET = timedelta(seconds=13)
#: A WebSocket never ends by itself, so a replica that has one takes its whole time.
DRAIN_TIMEOUT = timedelta(seconds=7)
#: A shard writes what it has accepted.
ACTORS_TIMEOUT = timedelta(seconds=6)
#: One second usually, but Ray asks even dead parts of its own, for some seven.
RAY_TIMEOUT = timedelta(seconds=9)
WATCH_INTERVAL = timedelta(seconds=1)
#: Imported while Ray starts.
PARTS = ("deployments.app", "deployments.shards", "deployments.monitoring.process")


class Runtime:
    """Everything that `pilito up` starts. `stop` undoes what `start` came to."""

    def __init__(
        self, settings: Settings, progress: Progress, stop: StopSignal
    ) -> None:
        self._settings = settings
        self._progress = progress
        self._stop_signal = stop
        self._steps = StepThread(stop)
        self._folder = RuntimeDir(settings.data_dir)
        self._token = settings.data_dir / "ray_token"
        self._secret_files = settings.data_dir / "secrets"
        self._postgres: EmbeddedPostgres | None = None
        self._ray: LocalRay | JoinedRay | None = None
        self._applications: ServeApplications | None = None
        self._term: TermWatch | None = None
        self._has_actors = False
        self._is_serving = False
        #: Whether Ray's processes were gone before it could be shut down.
        self.is_ray_lost = False
        self._deadline = 0.0

    @property
    def logs_dir(self) -> Path:
        """Where all logs are."""
        return self._settings.logs_dir

    def start(self, *, demo: bool) -> None:
        """Start all parts; say what is going on.

        Raises:
            LaunchError: with one line that tells the user what is in the way.
            PersistenceError: the same, of the database.
            StopRequestedError: a signal came meanwhile.
        """
        settings = self._settings
        if demo:
            check_demo_is_local(settings)
        self._end_orphans()
        if find_address() is None:
            # A cluster that we join listens there already, if it has had us before.
            host, port = settings.http_host, settings.http_port
            check_free(host, port, setting="PILITO_HTTP_PORT")
            port = settings.dashboard_port
            check_free("127.0.0.1", port, setting="PILITO_DASHBOARD_PORT")
        self._settings = settings = with_kept_key(settings)
        self._step("PostgreSQL", self._start_database)
        self._step("Schema", lambda: migrate.upgrade(os.environ["PILITO_DATABASE_URL"]))
        if not demo:
            self._steps.run(self._retire_demo)
        self._step("Ray", self._start_ray)
        self._stop_signal.listen()
        self._step("Shards", self._start_actors)
        self._step("Applications", self._start_applications)
        addresses = self._step("Demo shop", self._seed_demo) if demo else {}
        self._print_addresses(addresses)

    def check(self) -> None:
        """Start PostgreSQL again if it was killed.

        Raises:
            ProcessDiedError: Ray was killed; nothing can go on without it.
            RuntimeReplacedError: another runtime has begun on this database.
        """
        if self._term is not None and self._term.is_over:
            if find_address() is not None:
                # The successor may have the names of our parts in the same cluster.
                self._has_actors = self._is_serving = False
            self._term.check()
        if self._ray is not None and (dead := self._ray.find_dead()) is not None:
            message = f"{dead}, which everything here needs, has ended; stopping."
            raise errors.ProcessDiedError(message)
        if self._postgres is not None and not self._postgres.is_running:
            log.error("postgres_died")
            self._progress.say("PostgreSQL has ended; starting it again")
            self._steps.run(self._postgres.start)

    def stop(self) -> None:
        """Stop all parts that were started, in reverse; nothing stays running."""
        if self._postgres is None and self._ray is None:
            return
        if self._term is not None:
            self._term.stop()
        with self._progress.step("Stopping", done="Stopped"):
            self._deadline = time.monotonic() + STOP_BUDGET.total_seconds()
            if self._is_serving and self._applications is not None:
                drain = partial(self._applications.withdraw, DRAIN_TIMEOUT)
                self._finish("applications", drain, DRAIN_TIMEOUT)
            if self._has_actors:
                self._finish("shards", self._stop_actors, ACTORS_TIMEOUT)
            if self._ray is not None:
                self.is_ray_lost = self._is_ray_dead()
                if not self.is_ray_lost:
                    self._finish("ray", stop_ray, RAY_TIMEOUT, can_leave=False)
            orphans.end_processes(self._folder.path, grace=timedelta(0))
            if self._postgres is not None:
                self._postgres.stop()
            shutil.rmtree(self._secret_files, ignore_errors=True)
            self._folder.remove()

    def _finish(
        self,
        label: str,
        step: Callable[[], None],
        timeout: timedelta,
        *,
        can_leave: bool = True,
    ) -> None:
        left = timedelta(seconds=max(0.0, self._deadline - time.monotonic()))

        def give_up() -> bool:
            # Whoever stops us may have told all our processes at once, and then Ray's
            # are gone first: nobody is left who could answer.
            return can_leave and (self._stop_signal.is_hurried or self._is_ray_dead())

        try:
            if give_up() or not finish(step, min(timeout, left), give_up=give_up):
                log.warning("stop_step_left", step=label)
        except Exception:  # the others must stop, too
            log.exception("stop_step_failed", step=label)

    def _is_ray_dead(self) -> bool:
        return self._ray is not None and self._ray.find_dead() is not None

    def _step(
        self, label: str, step: Callable[[], Mapping[str, str] | None]
    ) -> Mapping[str, str]:
        with self._progress.step(label):
            return self._steps.run(step) or {}

    def _end_orphans(self) -> None:
        # The last runtime on this data directory was killed; its port may be ours.
        ended = orphans.end_processes(self._folder.path)
        if ended:
            log.warning("orphans_ended", processes=ended)
        self._folder.remove()

    def _start_database(self) -> None:
        settings = self._settings
        if settings.database_url is not None:
            dsn = settings.database_url.get_secret_value()
            _check_database(dsn)
        else:
            needed = count_connections(settings.shards)
            self._postgres = EmbeddedPostgres(
                settings.data_dir / "postgres",
                log_dir=settings.logs_dir,
                max_connections=needed,
            )
            dsn = self._postgres.start()
            if fetch_allowed_connections(dsn) < needed:
                # A runtime with fewer shards, which was killed, has left it running.
                self._postgres.stop()
                dsn = self._postgres.start()
        check_connections(dsn, settings.shards)
        # From here on every process that we start reads its settings from this.
        settings.export(os.environ, database_url=dsn)
        metrics = (settings.data_dir / "metrics").resolve()
        # Counters of processes that are gone.
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(mode=0o700, parents=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)

    def _start_ray(self) -> None:
        address = find_address()
        if address is not None:
            names = ("PROMETHEUS_MULTIPROC_DIR",)
            ours = {
                name: value
                for name, value in os.environ.items()
                if name.startswith(PREFIX) or name in names
            }
            self._ray = JoinedRay(
                address, environment=move_to_files(ours, self._secret_files)
            )
        else:
            self._folder.prepare()
            settings = self._settings
            wanted = (settings.http_port, settings.dashboard_port)
            ports = find_block(settings.data_dir, wanted)
            limits = self._fit_connections()
            os.environ.update(
                build_environment(
                    self._folder, ports, token_path=self._token, limits=limits
                )
            )
            self._ray = LocalRay(
                self._folder.ray,
                dashboard_port=settings.dashboard_port,
                agent_port=ports.dashboard_agent,
            )
        # Ray takes some six seconds, mostly waiting; our own imports take three.
        Thread(target=_import_parts, name="imports", daemon=True).start()
        self._ray.start()

    def _fit_connections(self) -> ConnectionLimits:
        settings = self._settings
        wanted = settings.max_connections
        total = fit_connections(wanted)
        if total < wanted:
            log.warning("fewer_connections", wanted=wanted, possible=total)
            self._progress.say(
                f"PILITO_MAX_CONNECTIONS: {total} instead of {wanted}, because the"
                f" system allows too few open files: raise `ulimit -n` to"
                f" {FILES_PER_CONNECTION * wanted + OTHER_FILES}"
            )
        return ConnectionLimits(
            total, settings.connections_per_address, settings.trusted_proxies
        )

    def _start_actors(self) -> None:
        from deployments import app

        self._has_actors = True
        term_id = app.start_actors(self._settings)
        self._term = TermWatch(os.environ["PILITO_DATABASE_URL"], term_id)
        self._term.start()

    def _stop_actors(self) -> None:
        from deployments import app

        app.stop_actors(self._settings)

    def _start_applications(self) -> None:
        def report(statuses: Mapping[str, str]) -> None:
            states = (f"{name} {state.lower()}" for name, state in statuses.items())
            self._progress.detail(", ".join(states))

        self._applications = ServeApplications(self._stop_signal)
        self._applications.deploy(self._settings.http_host, self._settings.http_port)
        self._applications.wait(report)
        self._is_serving = True

    def _seed_demo(self) -> Mapping[str, str]:
        from deployments.commands.demo import seed as demo_seed

        return demo_seed.seed(self._settings)

    def _retire_demo(self) -> None:
        from deployments.commands.demo import account

        if account.retire():
            self._progress.say("The demo's account is disabled; --demo brings it back")

    def _print_addresses(self, addresses: Mapping[str, str]) -> None:
        settings = self._settings
        host = settings.http_host
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - not bound, shown
        lines = {
            "Console": f"http://{host}:{settings.http_port}/",
            "API": f"http://{host}:{settings.http_port}/docs",
            **addresses,
            "Logs": str(settings.logs_dir),
        }
        if find_address() is None:
            dashboard = f"http://127.0.0.1:{settings.dashboard_port}/"
            hint = f"  (token: {self._token})" if self._token.exists() else ""
            lines["Ray dashboard"] = f"{dashboard}{hint}"
        self._progress.say(
            f"[bold]Pilito is ready[/] after {self._progress.elapsed_s:.0f} s."
            " Stop it with Ctrl-C."
        )
        lines |= collect_warnings(settings)
        width = max(len(label) for label in lines)
        for label, value in lines.items():
            self._progress.say(f"  {escape(label.ljust(width))}  {escape(value)}")


def _check_database(dsn: str) -> None:
    try:
        asyncio.run(check_answers(dsn))
    except DatabaseAwayError as error:
        message = f"PILITO_DATABASE_URL: the database does not answer ({error})"
        raise errors.DatabaseRefusedError(message) from error


def _import_parts() -> None:
    # Not before Ray's environment is set: Serve reads it when it is imported.
    # What goes wrong here goes wrong again where it can be told.
    with suppress(Exception):
        for part in PARTS:
            importlib.import_module(part)


def up(settings: Settings, *, demo: bool) -> int:
    """Run everything in the foreground until a signal asks to stop.

    Returns:
        The exit code: 0 after a stop that was asked for, 2 where the user has something
        to correct, 1 for everything else that failed.
    """
    terminal = Terminal(settings.logs_dir / "output.log")
    progress = Progress(terminal)
    stop = StopSignal()
    stop.listen()
    try:
        with locked_data_dir(settings.data_dir), terminal:
            setup_logging(settings.logs_dir, "runtime")
            runtime = Runtime(settings, progress, stop)
            code = _run(runtime, stop, progress, demo=demo)
    except errors.LaunchError as error:
        progress.fail(str(error))
        return error.exit_code
    if runtime.is_ray_lost:
        exit_without_ray(code)
    return code


def _run(runtime: Runtime, stop: StopSignal, progress: Progress, *, demo: bool) -> int:
    try:
        runtime.start(demo=demo)
        while not stop.wait(WATCH_INTERVAL):
            runtime.check()
            # A disk that is full or broken must not end what still runs.
            with suppress(OSError):
                rotate_logs(runtime.logs_dir)
    except errors.StopRequestedError:
        return 0
    except (errors.LaunchError, PersistenceError) as error:
        log.warning("launch_ended", exc_info=True)
        progress.fail(str(error))
        return error.exit_code if isinstance(error, errors.LaunchError) else 1
    except Exception as error:  # nobody else would show it to the user
        log.exception("launch_failed")
        reason = str(error).partition("\n")[0]
        progress.fail(f"{type(error).__name__}: {reason} (see {runtime.logs_dir})")
        return 1
    finally:
        runtime.stop()
    return 0
