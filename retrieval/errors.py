"""What can go wrong while text is prepared and searched."""

from typing import ClassVar


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


class UnreadableFileError(RetrievalError):
    """The file can't be read. Hand it in again, or hand in its text."""

    permanent = True
