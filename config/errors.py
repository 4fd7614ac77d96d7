"""What can go wrong with flags, before anything is asked of a database."""


class FlagError(Exception):
    """The flag could not be read or changed."""

    permanent = True

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class UnknownFlagError(FlagError):
    """There is no flag of this name; `GET /api/flags/` lists them all."""


class InvalidFlagValueError(FlagError):
    """The flag can't have this value. The message begins with the field's name."""


class FlagsUnreadError(FlagError):
    """The flags have not been read yet. Try again in a few seconds."""

    permanent = False
