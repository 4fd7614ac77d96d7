"""The embedder that is set, and those whose vectors still serve some tenants."""

import asyncio
from collections.abc import Callable

import structlog

from retrieval.embedding import Embedder
from retrieval.embedding_models import reopen_embedder
from retrieval.errors import EmbeddingError

log = structlog.get_logger("embedders")


class Embedders:
    """Opens embedders by name, each once."""

    def __init__(
        self,
        current: Embedder,
        open_by_name: Callable[[str], Embedder] = reopen_embedder,
    ) -> None:
        self._current = current
        self._open = open_by_name
        self._known: dict[str, Embedder] = {current.name: current}
        self._lock = asyncio.Lock()

    async def fetch(self, name: str | None) -> Embedder:
        """Open the named one; the current one where it can't be opened any more.

        Words find the tenant's documents then, until their vectors are made anew.
        """
        if name is None:
            return self._current
        if name not in self._known:
            async with self._lock:
                if name not in self._known:
                    self._known[name] = await self._try_to_open(name)
        return self._known[name]

    async def _try_to_open(self, name: str) -> Embedder:
        try:
            return await asyncio.to_thread(self._open, name)
        except EmbeddingError as error:
            log.warning("old_model_is_gone", model=name, error=repr(error))
            return self._current
