"""One runtime per data directory, held by a lock that dies with its process."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from deployments.runtime.errors import DataDirInUseError, DataDirUnusableError


class DataDirLock:
    """An exclusive lock on `{data_dir}/lock`. Children do not inherit it."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._file = -1

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            DataDirInUseError: another process holds it.
            DataDirUnusableError: the directory can't be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            message = (
                f"Can't write to the data directory {self._path.parent}:"
                f" {error.strerror}. Set PILITO_DATA_DIR to another."
            )
            raise DataDirUnusableError(message) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 20).decode("ascii", "replace").strip()
            os.close(self._file)
            message = (
                f"Pilito already runs on the data directory {self._path.parent}"
                f" (process {holder or 'unknown'}). Stop it, or set PILITO_DATA_DIR"
                " to another."
            )
            raise DataDirInUseError(message) from error
        os.truncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lock back. The file stays: removing it would race with a starter."""
        os.truncate(self._file, 0)
        os.close(self._file)
