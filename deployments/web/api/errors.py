"""Errors of the API."""


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
    """Only a superuser may do this: it concerns the whole runtime."""


class NotFoundError(ApiError):
    """There is no such thing."""


class InvalidValueError(ApiError):
    """A field has a value that can't be used. The message begins with its name."""
