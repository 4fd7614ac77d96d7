"""The data directory: its lock, the kept secret key, and secrets passed in files."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from config.secret_keys import check_keys
from config.settings import SECRETS, Settings
from deployments.runtime import errors


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
        # Logs, metrics and models below it are the operator's alone.
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
        path.write_text(f"{os.getpid()}\n", encoding="ascii")
    except Timeout as error:
        holder = path.read_text(encoding="ascii", errors="replace").strip()
        message = (
            f"Pilito already runs on the data directory {data_dir}"
            f" (process {holder or 'unknown'}). Stop it, or set PILITO_DATA_DIR"
            " to another."
        )
        raise errors.DataDirInUseError(message) from error
    except OSError as error:
        message = (
            f"Can't write to the data directory {data_dir}:"
            f" {error.strerror}. Set PILITO_DATA_DIR to another."
        )
        raise errors.DataDirUnusableError(message) from error
    try:
        yield
    finally:
        os.truncate(path, 0)
        lock.release()


def with_kept_key(settings: Settings) -> Settings:
    """Return settings that have a secret key: the user's, the kept one, or a new one.

    The file may hold a list of keys, as the setting does.

    Raises:
        LaunchError: the kept one can't be read or written, or is too short.
    """
    if settings.secret_key is not None:
        return settings
    path = settings.data_dir / "secret_key"
    try:
        if not path.exists():
            _write(path, secrets.token_urlsafe(48))
        key = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        message = f"The secret key in {path} can't be used: it is no text."
        raise errors.LaunchError(message) from error
    except OSError as error:
        message = f"The secret key in {path} can't be used: {error.strerror}."
        raise errors.LaunchError(message) from error
    try:
        check_keys(key)
    except ValueError as error:
        message = f"The secret key in {path} can't be used: {error}."
        raise errors.WeakKeyError(message) from error
    return settings.with_secret_key(key)


def _write(path: Path, key: str) -> None:
    # Whole or not at all: with half a key no stored token could be read again.
    draft = path.with_suffix(".new")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as stream:
        stream.write(key)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def move_to_files(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment with each secret replaced by the file that holds it.

    For a cluster that we join: it writes the environment of its workers into its logs.
    The files are the user's alone. A worker on another machine must find the folder
    under the same path, as it must the data directory.

    Raises:
        LaunchError: a file can't be written.
    """
    moved = {name: text for name, text in environment.items() if name not in SECRETS}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # An empty variable is an unset one; an empty file would be a wrong value.
        for name in filter(environment.get, SECRETS):
            path = folder.resolve() / name.lower()
            path.touch(mode=0o600)
            path.write_text(environment[name], encoding="utf-8")
            moved[f"{name}_FILE"] = str(path)
    except OSError as error:
        message = f"Can't write to {folder}: {error.strerror}."
        raise errors.LaunchError(message) from error
    return moved
