"""Errors of HTTP requests to any address."""

from datetime import timedelta


class RequestError(Exception):
    """The request could not be served."""

    permanent = True

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class BodyTooLargeError(RequestError):
    """The body is too large for this address. Send less at once."""


class BodyTooSlowError(RequestError):
    """The body did not come in time. Send it again, faster."""

    permanent = False


class TooManyRequestsError(RequestError):
    """Too many requests in a short time. Wait a moment and try again."""

    permanent = False

    def __init__(
        self, message: str = "", retry_after: timedelta = timedelta(seconds=1)
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type["TooManyRequestsError"], tuple[str, timedelta]]:
        """Survive pickle with the time to wait."""
        return type(self), (str(self), self.retry_after)
