"""How long a question waits for the model of meaning before words must do."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding.embedder import Embedder
from retrieval.errors import EmbeddingError

#: On a busy machine six questions and passages between them take turns for seconds; the
#: caller gives up after half a minute.
TIMEOUT_S = 10.0
#: More than search at once.
MAX_THREADS = 16


class TimeoutEmbedder:
    """An embedder whose questions have a limit: a model may hang, a shop may not.

    While one question's vector is overdue the others are not kept waiting for theirs.
    Threads may share one.
    """

    def __init__(self, embedder: Embedder, timeout_s: float = TIMEOUT_S) -> None:
        self._embedder = embedder
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(MAX_THREADS, "embedding")
        self._overdue: Future[NDArray[np.float32]] | None = None
        self.name = embedder.name
        self.dimensions = embedder.dimensions

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions. Raises EmbeddingError, after the limit as well."""
        if self._overdue is not None and not self._overdue.done():
            message = "the model has not answered an earlier question"
            raise EmbeddingError(message)
        asked = self._threads.submit(self._embedder.embed_queries, texts)
        try:
            return asked.result(self._timeout_s)
        except TimeoutError as error:
            self._overdue = asked
            message = f"no vector within {self._timeout_s:g} s"
            raise EmbeddingError(message) from error

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages, for as long as it takes."""
        return self._embedder.embed_passages(texts)

    def count_tokens(self, text: str) -> int:
        """Count as the model does."""
        return self._embedder.count_tokens(text)
