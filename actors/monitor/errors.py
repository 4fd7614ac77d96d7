"""What can go wrong between a caller and the monitor."""


class MonitorError(Exception):
    """The health monitor could not do this. Try again, or see logs/monitor.log."""

    permanent = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class MonitorUnavailableError(MonitorError):
    """The health monitor is restarting. Try again in a few seconds."""


class MonitorStandbyError(MonitorError):
    """Nobody watches the services at the moment. Try again in half a minute."""


class ServiceGoneError(MonitorError):
    """There is no such service any more."""

    permanent = True
