"""The errors that all actors share."""


class ActorError(Exception):
    """The conversation could not process this. Try again, or see the log."""

    permanent = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class TooManyWaitingError(ActorError):
    """Too much of this business waits already. Try again in a minute."""
