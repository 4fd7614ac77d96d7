"""Passes secrets to workers in files: a cluster logs their environment."""

from collections.abc import Mapping
from pathlib import Path

from config.settings import SECRETS
from deployments.runtime.errors import LaunchError


def move_to_files(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment with each secret replaced by the file that holds it.

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
