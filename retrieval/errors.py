"""The errors of preparing and searching text, and how a failing part is logged."""

import logging
from typing import ClassVar

# The standard library's: it goes where the process sends its log, and to stderr, never
# stdout, where nobody has set one up.
_LOG = logging.getLogger("retrieval")


class RetrievalError(Exception):
    """The knowledge could not be searched. Try again; if it stays, see the log."""

    permanent: ClassVar[bool] = False

    def __init__(self, message: str = "") -> None:
        # The class docstring is the default message, so a type alone can be raised.
        super().__init__(message or (self.__doc__ or "").strip())


class EmbeddingError(RetrievalError):
    """The embedding model gave no vectors. Keyword search goes on without them."""


class DimensionMismatchError(RetrievalError):
    """A vector is of another model's size. Embed the knowledge again."""

    permanent = True


class SearchFailedError(RetrievalError):
    """Neither the meaning nor the words could be searched. Try the question again."""


class RerankerUnavailableError(RetrievalError):
    """No cross-encoder is there to judge the passages. The fused order serves."""


def name_failure(part: str, error: Exception) -> str:
    """Log why a part failed, with its stack; return the error's name for `degraded`."""
    _LOG.warning("%s failed: %r", part, error, exc_info=error)
    return type(error).__name__
