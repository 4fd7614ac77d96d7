"""A lock that keeps a data directory for one runtime, and dies with its process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from deployments.runtime.errors import DataDirInUseError, DataDirUnusableError


@contextmanager
def locked_data_dir(data_dir: Path) -> Iterator[None]:
    """Hold `{data_dir}/lock`, which names our process. Children do not inherit it.

    The file stays: removing it would race with a starter.

    Raises:
        DataDirInUseError: another process holds it.
        DataDirUnusableError: the directory can't be written.
    """
    path = data_dir / "lock"
    # Where the file system has no locks, a file in their place would outlive us.
    lock = FileLock(path, blocking=False, mode=0o600, fallback_to_soft=False)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        path.write_text(f"{os.getpid()}\n", encoding="ascii")
    except Timeout as error:
        holder = path.read_text(encoding="ascii", errors="replace").strip()
        message = (
            f"Pilito already runs on the data directory {data_dir}"
            f" (process {holder or 'unknown'}). Stop it, or set PILITO_DATA_DIR"
            " to another."
        )
        raise DataDirInUseError(message) from error
    except OSError as error:
        message = (
            f"Can't write to the data directory {data_dir}:"
            f" {error.strerror}. Set PILITO_DATA_DIR to another."
        )
        raise DataDirUnusableError(message) from error
    try:
        yield
    finally:
        os.truncate(path, 0)
        lock.release()
