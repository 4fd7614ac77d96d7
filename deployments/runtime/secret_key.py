"""Generates a secret key where none is set, and keeps it in the data directory."""

import os
import secrets
from pathlib import Path

from config.settings import Settings
from deployments.runtime.errors import LaunchError


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
