"""Errors of flags that need no database to be found."""


class FlagError(Exception):
    """The flag could not be read or changed. Try again, or see the log."""

    permanent = True

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class UnknownFlagError(FlagError):
    """No flag has this name. `GET /api/flags/` lists all flags."""


class InvalidFlagValueError(FlagError):
    """The flag can't have this value. The message begins with the name of the field."""


class FlagsUnreadError(FlagError):
    """The flags have not been loaded yet. Try again in a few seconds."""

    permanent = False
