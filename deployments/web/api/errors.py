"""What can go wrong between a signed-in person and the API."""

from datetime import timedelta


class ApiError(Exception):
    """The request could not be done."""

    permanent = True

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class NotSignedInError(ApiError):
    """Sign in first: send `Authorization: Bearer` with a valid access token."""


class WrongPasswordError(ApiError):
    """No active account has this user name and password."""


class SuperuserOnlyError(ApiError):
    """This concerns the whole runtime: only a superuser may do it."""


class NotFoundError(ApiError):
    """There is no such thing."""


class InvalidValueError(ApiError):
    """A field has a value that can't be used. The message begins with its name."""


class TooManyCallsError(ApiError):
    """Too many calls in a short time. Wait a moment and try again."""

    permanent = False

    def __init__(
        self, message: str = "", retry_after: timedelta = timedelta(seconds=1)
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type["TooManyCallsError"], tuple[str, timedelta]]:
        """Survive pickle with the time to wait."""
        return type(self), (str(self), self.retry_after)
