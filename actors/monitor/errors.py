"""Errors of the monitor that reach its callers."""


class MonitorError(Exception):
    """The health monitor could not do this. Try again, or see logs/monitor.log."""

    permanent = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class MonitorUnavailableError(MonitorError):
    """The health monitor is restarting. Try again in a few seconds."""


class MonitorStandbyError(MonitorError):
    """The health monitor is not running at the moment. Try again in half a minute."""


class ServiceGoneError(MonitorError):
    """This service does not exist any more."""

    permanent = True
