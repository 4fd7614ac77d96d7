"""The errors of preparing and searching text, and how a failing part is logged."""

import logging
from typing import ClassVar

# The standard library's: it goes where the process sends its log, and to stderr, never
# stdout, where nobody has set one up.
_LOG = logging.getLogger("retrieval")


class RetrievalError(Exception):
    """The knowledge could not be searched. Try again, or see the log."""

    permanent: ClassVar[bool] = False

    def __init__(self, message: str = "") -> None:
        # The class docstring is the default message, so a type alone can be raised.
        super().__init__(message or (self.__doc__ or "").strip())


class EmbeddingError(RetrievalError):
    """The embedding model returned no usable vectors. Keyword search goes on alone."""


class DimensionMismatchError(RetrievalError):
    """A vector has the size of another model. Embed the documents again."""

    permanent = True


class SearchFailedError(RetrievalError):
    """Neither embeddings nor keywords could be searched. Try the question again."""


class RerankerUnavailableError(RetrievalError):
    """No cross-encoder is available. The order of the hybrid ranking stands."""


class KnowledgeTooLargeError(RetrievalError):
    """This business has more knowledge than the search can hold. Delete some of it."""

    permanent = True


class UnreadableFileError(RetrievalError):
    """The file can't be read. Hand it in again, or hand in its text."""

    permanent = True


def name_failure(part: str, error: Exception) -> str:
    """Log why a part failed, with its stack; return the error's name for `degraded`."""
    _LOG.warning("%s failed: %r", part, error, exc_info=error)
    return type(error).__name__
