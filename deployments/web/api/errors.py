"""Errors of the API."""

from typing import TypeVar

from pydantic import BaseModel

Row = TypeVar("Row")


class ApiError(Exception):
    """The request could not be carried out. Check its values."""

    permanent = True

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class NotSignedInError(ApiError):
    """Sign in first: send `Authorization: Bearer` with a valid access token."""


class WrongPasswordError(ApiError):
    """No active account has this user name and password."""


class SuperuserOnlyError(ApiError):
    """Only a superuser may do this: it concerns the whole runtime."""


class RoleNeededError(ApiError):
    """Your role does not allow this. Ask an owner of your business."""


class ScopeNeededError(ApiError):
    """The API key does not allow this. Make a key with the scope that is needed."""


class LastOwnerError(ApiError):
    """A business keeps an active owner. Make another person an owner first."""


class TooManyError(ApiError):
    """There are too many of these already. Remove some first."""


class NotFoundError(ApiError):
    """Nothing with this id exists here."""


class EditedMeanwhileError(ApiError):
    """This was changed at the same time by another. Read it, and try again."""


class VersionConflictError(ApiError):
    """This was saved by another in the meantime. Read it, and save again."""

    def __init__(self, message: str = "", given: int = 0, newest: int = 0) -> None:
        super().__init__(message)
        self.given = given
        self.newest = newest

    def __reduce__(self) -> tuple[type["VersionConflictError"], tuple[str, int, int]]:
        """Survive pickle with both versions."""
        return type(self), (str(self), self.given, self.newest)


class AnswerOvertakenError(ApiError):
    """The conversation has gone on. Read the newer messages, or send it anyway."""

    def __init__(self, message: str = "", newer: tuple[BaseModel, ...] = ()) -> None:
        super().__init__(message)
        self.newer = newer

    def __reduce__(
        self,
    ) -> tuple[type["AnswerOvertakenError"], tuple[str, tuple[BaseModel, ...]]]:
        """Survive pickle with the messages."""
        return type(self), (str(self), self.newer)


class StateUnavailableError(ApiError):
    """The state after this event can't be rebuilt."""


class SearchTooWideError(ApiError):
    """q: this search takes too long. Narrow it: longer words, or one more filter."""


class LimitReachedError(ApiError):
    """There are as many of these as a business may have. Delete one first."""


class InvalidValueError(ApiError):
    """A field has an invalid value. The message begins with the name of the field."""


def require(row: Row | None) -> Row:
    """Return the row. Raises NotFoundError if there is none."""
    if row is None:
        raise NotFoundError
    return row
