"""Reasons why the runtime did not start or had to stop, each in one line."""

from datetime import datetime
from typing import Self


class LaunchError(Exception):
    """Pilito did not start. The log has the details."""

    #: What the process ends with: 2 is for the user to correct, 1 is a failure.
    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class DataDirInUseError(LaunchError):
    """Another Pilito runs on this data directory. Stop it, or set PILITO_DATA_DIR."""

    exit_code = 2


class DataDirUnusableError(LaunchError):
    """The data directory can't be written. Set PILITO_DATA_DIR to another folder."""

    exit_code = 2


class WeakKeyError(LaunchError):
    """The kept secret key is too short. Write a longer one before it in its file."""

    exit_code = 2


class DatabaseRefusedError(LaunchError):
    """PILITO_DATABASE_URL: the database can't be used. Check address and password."""

    exit_code = 2


class DatabaseTooSmallError(LaunchError):
    """The database allows too few connections. Lower PILITO_SHARDS, or raise them."""

    exit_code = 2


class PortTakenError(LaunchError):
    """A port that Pilito needs is in use. Stop the other program or set another."""

    exit_code = 2


class DemoExposedError(LaunchError):
    """The demo's password is public. Set PILITO_HTTP_HOST=127.0.0.1 to use --demo."""

    exit_code = 2


class DemoNameTakenError(LaunchError):
    """The name "demo" is taken. Set PILITO_DATA_DIR to another folder for --demo."""

    exit_code = 2


class RayUnavailableError(LaunchError):
    """Ray did not start. Its logs say why."""


class ApplicationFailedError(LaunchError):
    """An application of serve_config.yaml did not start. Its log says why."""


class ProcessDiedError(LaunchError):
    """A process that the whole runtime needs has ended. Its log says why."""


class RuntimeReplacedError(LaunchError):
    """Another Pilito has taken over this database. Only one at a time may use it."""

    @classmethod
    def by(cls, began_at: datetime) -> Self:
        """Build the error from the start of the other runtime."""
        return cls(
            f"Another Pilito has taken over this database ({began_at:%Y-%m-%d %H:%M:%S}"
            " UTC), so this one stops. Stop the other one before you start this again."
        )


class StopRequestedError(Exception):
    """The user asked to stop during the start."""
