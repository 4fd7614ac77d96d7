"""The temporary folder of a runtime: Ray's session, sockets, HAProxy's files."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from deployments.runtime.errors import LaunchError

#: Ray puts sockets some seventy bytes deeper, and a socket's path has at most 107.
MAX_PARENT_BYTES = 12


class RuntimeDir:
    """A folder with a short path that belongs to one data directory.

    It is not in the data directory, because a Unix socket's path has at most 107 bytes
    and a data directory may be anywhere.
    """

    def __init__(self, data_dir: Path) -> None:
        digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:10]
        self.path = _find_short_parent() / f"pilito-{digest}"
        self._kept_logs = data_dir.resolve() / "logs" / "ray"

    @property
    def ray(self) -> Path:
        """Where Ray keeps its sessions."""
        return self.path / "ray"

    @property
    def haproxy(self) -> Path:
        """Where HAProxy's configuration and sockets are."""
        return self.path / "haproxy"

    def prepare(self) -> None:
        """Make the folder, for us alone.

        Raises:
            LaunchError: somebody else has made it.
        """
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            if self.path.is_symlink() or self.path.stat().st_uid != os.geteuid():
                message = f"{self.path} belongs to another user; remove it."
                raise LaunchError(message)
            self.haproxy.mkdir(exist_ok=True)
        except OSError as error:
            message = f"Can't write to {self.path}: {error.strerror}."
            raise LaunchError(message) from error

    def remove(self) -> None:
        """Remove the folder, but keep the logs of Ray's last session."""
        sessions = sorted(self.ray.glob("session_2*"))
        if sessions and (sessions[-1] / "logs").is_dir():
            shutil.rmtree(self._kept_logs, ignore_errors=True)
            self._kept_logs.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(sessions[-1] / "logs", self._kept_logs)
        shutil.rmtree(self.path, ignore_errors=True)


def _find_short_parent() -> Path:
    preferred = Path(tempfile.gettempdir()).resolve()
    if len(os.fsencode(preferred)) <= MAX_PARENT_BYTES:
        return preferred
    return Path("/tmp")  # noqa: S108 - `prepare` refuses a folder that is not ours
