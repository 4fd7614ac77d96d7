"""Why the runtime did not start, or had to stop, each in one line for the terminal."""


class LaunchError(Exception):
    """Pilito did not start; the log has the details."""

    #: What the process ends with: 2 is for the user to correct, 1 is a failure.
    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class DataDirInUseError(LaunchError):
    """Another Pilito runs on this data directory."""

    exit_code = 2


class DataDirUnusableError(LaunchError):
    """The data directory can't be written. Set PILITO_DATA_DIR to another."""

    exit_code = 2


class DatabaseRefusedError(LaunchError):
    """PILITO_DATABASE_URL: the database can't be used."""

    exit_code = 2


class PortTakenError(LaunchError):
    """A port that Pilito needs is in use."""

    exit_code = 2


class DemoExposedError(LaunchError):
    """The demo shop's password is known: --demo needs PILITO_HTTP_HOST=127.0.0.1."""

    exit_code = 2


class RayUnavailableError(LaunchError):
    """Ray did not start; its logs say why."""


class ApplicationFailedError(LaunchError):
    """An application of serve_config.yaml did not start."""


class ProcessDiedError(LaunchError):
    """A process that everything else needs has ended."""


class StopRequestedError(Exception):
    """The user asked to stop while something was still starting."""
