"""Embeds passages in a process of its own, which gives way to all that answer.

A passage takes a model a quarter of a second on two cores. In the process that
searches, each question of every tenant would wait for it.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, cast

import numpy as np
import ray
from numpy.typing import NDArray
from ray import ObjectRef
from ray.actor import ActorHandle
from ray.exceptions import RayActorError

from retrieval.embedding.embedder import reopen_embedder
from retrieval.errors import EmbeddingError

#: A tenth of what a process that searches gets, while the cores are busy.
NICENESS = 15
#: The model takes 100 MB and more: without new knowledge they are given back.
IDLE_S = 60.0

#: Gives the vectors of passages, float32 of shape (n, dimensions).
EmbedPassages: TypeAlias = Callable[[Sequence[str]], Awaitable[NDArray[np.float32]]]


class PassageModel:
    """The model, in its process."""

    def __init__(self, model: str) -> None:
        os.nice(NICENESS)
        self._embedder = reopen_embedder(model)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages. Raises EmbeddingError."""
        return self._embedder.embed_passages(texts)


class PassageWorker:
    """Starts the process with the first passages and ends it when none have come."""

    def __init__(self, model: str, *, idle_s: float = IDLE_S) -> None:
        self._model = model
        self._idle_s = idle_s
        self._actor: ActorHandle[PassageModel] | None = None
        self._ending: asyncio.TimerHandle | None = None

    async def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages; one call at a time.

        Raises:
            EmbeddingError: the process died. The next call starts another.
        """
        if self._ending is not None:
            self._ending.cancel()
        if self._actor is None:
            self._actor = cast(
                "ActorHandle[PassageModel]",
                _PassageActor.options(num_cpus=0).remote(self._model),
            )
        call: ObjectRef[NDArray[np.float32]] = self._actor.embed.remote([*texts])
        try:
            return await asyncio.wrap_future(call.future())
        except RayActorError as error:
            self._actor = None
            message = "the process that embeds passages ended"
            raise EmbeddingError(message) from error
        finally:
            loop = asyncio.get_running_loop()
            self._ending = loop.call_later(self._idle_s, self.end)

    def end(self) -> None:
        """End the process, if there is one."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if self._actor is not None:
            ray.kill(self._actor)
            self._actor = None


_PassageActor = ray.remote(PassageModel)
