"""The parts of one runtime, started in the order in which they need each other."""

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

from config.settings import PREFIX, Settings
from deployments.runtime import orphans
from deployments.runtime.environment import build_environment
from deployments.runtime.errors import (
    DatabaseRefusedError,
    DemoExposedError,
    ProcessDiedError,
)
from deployments.runtime.ports import check_free, find_block
from deployments.runtime.progress import Progress
from deployments.runtime.ray_cluster import JoinedRay, LocalRay, find_address
from deployments.runtime.runtime_dir import RuntimeDir
from deployments.runtime.secret_files import move_to_files, with_kept_key
from deployments.runtime.serve_applications import ServeApplications
from deployments.runtime.shutdown import StepThread, StopSignal, finish
from persistence import migrate
from persistence.database import check_answers
from persistence.embedded.server import EmbeddedPostgres
from persistence.errors import DatabaseAwayError

log = structlog.get_logger("runtime")

LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: The whole stop takes 15 s at most; what comes after these takes one or two.
STOP_BUDGET = timedelta(seconds=13)
#: A WebSocket never ends by itself, so a replica that has one takes its whole time.
DRAIN_TIMEOUT = timedelta(seconds=7)
#: A shard writes what it has accepted.
ACTORS_TIMEOUT = timedelta(seconds=6)
#: One second usually, but Ray asks even dead parts of its own, for some seven.
RAY_TIMEOUT = timedelta(seconds=9)


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
        if demo and settings.http_host not in LOOPBACK:
            raise DemoExposedError
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
        """
        if self._ray is not None and (dead := self._ray.find_dead()) is not None:
            message = f"{dead}, which everything here needs, has ended; stopping."
            raise ProcessDiedError(message)
        if self._postgres is not None and not self._postgres.is_running:
            log.error("postgres_died")
            self._progress.say("PostgreSQL has ended; starting it again")
            self._steps.run(self._postgres.start)

    def stop(self) -> None:
        """Stop all parts that were started, in reverse; nothing stays running."""
        if self._postgres is None and self._ray is None:
            return
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
                    self._finish("ray", self._ray.stop, RAY_TIMEOUT, can_leave=False)
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
            self._postgres = EmbeddedPostgres(
                settings.data_dir / "postgres", log_dir=settings.logs_dir
            )
            dsn = self._postgres.start()
        # From here on every process that we start reads its settings from this.
        settings.export(os.environ, database_url=dsn)
        metrics = (settings.data_dir / "metrics").resolve()
        # Counters of processes that are gone.
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(parents=True)
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
            os.environ.update(
                build_environment(self._folder, ports, token_path=self._token)
            )
            self._ray = LocalRay(
                self._folder.ray,
                dashboard_port=settings.dashboard_port,
                agent_port=ports.dashboard_agent,
            )
        # Ray takes some six seconds, mostly waiting; our own imports take three.
        Thread(target=_import_parts, name="imports", daemon=True).start()
        self._ray.start()

    def _start_actors(self) -> None:
        from deployments import app

        self._has_actors = True
        app.start_actors(self._settings)

    def _stop_actors(self) -> None:
        from deployments import app

        app.stop_actors(self._settings)

    def _start_applications(self) -> None:
        self._applications = ServeApplications(self._stop_signal)
        self._applications.deploy(self._settings.http_host, self._settings.http_port)
        self._applications.wait(self._report)
        self._is_serving = True

    def _report(self, statuses: Mapping[str, str]) -> None:
        self._progress.detail(
            ", ".join(f"{name} {status.lower()}" for name, status in statuses.items())
        )

    def _seed_demo(self) -> Mapping[str, str]:
        from deployments.commands.demo import seed as demo_seed

        return demo_seed.seed(self._settings)

    def _print_addresses(self, addresses: Mapping[str, str]) -> None:
        settings = self._settings
        host = settings.http_host
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - not bound, shown
        lines = {
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
        width = max(len(label) for label in lines)
        for label, value in lines.items():
            self._progress.say(f"  {escape(label.ljust(width))}  {escape(value)}")


def _check_database(dsn: str) -> None:
    try:
        asyncio.run(check_answers(dsn))
    except DatabaseAwayError as error:
        message = f"PILITO_DATABASE_URL: the database does not answer ({error})"
        raise DatabaseRefusedError(message) from error


def _import_parts() -> None:
    # Not before Ray's environment is set: Serve reads it when it is imported.
    # What goes wrong here goes wrong again where it can be told.
    with suppress(Exception):
        for part in ("app", "shards", "monitor"):
            importlib.import_module(f"deployments.{part}")
