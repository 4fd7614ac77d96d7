"""Keeps the secret key in a file, and passes secrets to workers in files."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from config.settings import SECRETS, Settings
from deployments.runtime.errors import LaunchError


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
        raise LaunchError(message) from error
    return moved


def with_kept_key(settings: Settings) -> Settings:
    """Return settings that have a secret key: the user's, the kept one, or a new one.

    Raises:
        LaunchError: the kept one can't be read or written.
    """
    if settings.secret_key is not None:
        return settings
    path = settings.data_dir / "secret_key"
    try:
        if not path.exists():
            _write(path, secrets.token_urlsafe(48))
        return settings.with_secret_key(path.read_text(encoding="ascii").strip())
    except OSError as error:
        message = f"The secret key in {path} can't be used: {error.strerror}."
        raise LaunchError(message) from error


def _write(path: Path, key: str) -> None:
    # Whole or not at all: with half a key no stored token could be read again.
    draft = path.with_suffix(".new")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as stream:
        stream.write(key)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
