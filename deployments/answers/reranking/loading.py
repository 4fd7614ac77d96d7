"""Loads a model: has it built, then opens the result in this process."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from deployments.answers.reranking.build import Built, build
from deployments.answers.reranking.slot import Loaded
from retrieval.cross_encoder import CrossEncoderRuntime

Build = Callable[[str, Path], Awaitable[Built]]

log = structlog.get_logger("reranker")


async def build_here(model: str, models_dir: Path) -> Built:
    """Build a model in a thread of this process, which keeps the memory: no Ray."""
    return await asyncio.to_thread(build, model, models_dir)


class ModelLoader:
    """Builds and opens models; `models_dir` keeps what was compiled."""

    def __init__(
        self, models_dir: Path, *, threads: int, build: Build = build_here
    ) -> None:
        self._models_dir = models_dir
        self._threads = threads
        self._build = build
        self._rebuilt: set[Path] = set()

    async def load(self, model: str) -> Loaded:
        """Load a model by its name on the hub or its folder.

        Raises RerankerUnavailableError: with the reason, for people.
        """
        built = await self._build(model, self._models_dir)
        try:
            return await self._open(built)
        except Exception as error:
            # A machine that lost its power while it wrote, or a disk that was full:
            # what was kept will never open. But a model that can't run here at all
            # is not compiled again and again.
            if not built.is_compiled or built.folder in self._rebuilt:
                raise
            log.warning("compiled_model_unusable", model=model, error=repr(error)[:500])
        self._rebuilt.add(built.folder)
        await asyncio.to_thread(shutil.rmtree, built.folder, ignore_errors=True)
        return await self._open(await self._build(model, self._models_dir))

    async def _open(self, built: Built) -> Loaded:
        runtime = await asyncio.to_thread(_open, built, self._threads)
        note = f"{runtime.runtime}: {built.reason}" if built.reason else ""
        # The first batch lays out memory: nobody's question should wait for that.
        await asyncio.to_thread(runtime.score, [("a", "b")])
        return Loaded(runtime, note)


def _open(built: Built, threads: int) -> CrossEncoderRuntime:
    if built.is_compiled:
        from retrieval.cross_encoder.quantised import QuantisedCrossEncoder

        return QuantisedCrossEncoder(built.folder, threads=threads)
    from retrieval.cross_encoder.full import FullCrossEncoder

    return FullCrossEncoder(built.folder, threads=threads)
