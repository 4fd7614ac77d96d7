"""The Reranker deployment: each replica holds the models that its callers name."""

import os
from collections.abc import Mapping
from enum import StrEnum

from ray import serve

from config.logging import setup_logging
from config.settings import Settings, load_settings
from deployments.answers.reranking.build_task import build_in_task
from deployments.answers.reranking.loading import ModelLoader
from deployments.answers.reranking.pool import RerankJob, RerankPool
from deployments.answers.reranking.slot import ModelSlot
from deployments.health.probes import PartHealth, PartStatus
from retrieval.errors import RerankerUnavailableError
from retrieval.ranking.reranking import RerankResult

#: Callers whose pairs are scored together. More would let the first wait for the last.
MAX_CALLERS_PER_BATCH = 8
#: Long enough to gather callers that came together, far less than a batch takes.
GATHER_S = 0.005


class RerankModel(StrEnum):
    """The values of the flag `rerank_model`."""

    BASE = "base"
    LARGE = "large"


def name_models(settings: Settings) -> Mapping[str, str]:
    """Map each value of the flag to the model of the settings."""
    return {
        RerankModel.BASE: settings.rerank_model_base,
        RerankModel.LARGE: settings.rerank_model_large,
    }


def count_threads() -> int:
    """Return how many batches run at once: one on each processor that we may use."""
    return max(1, len(os.sched_getaffinity(0)))


class RerankerReplica:
    """Scores passages with the models that are loaded."""

    async def __init__(self) -> None:  # type: ignore[misc]
        # Serve awaits it.
        settings = load_settings()
        setup_logging(settings.logs_dir, "reranker")
        self._models = name_models(settings)
        self._loader = ModelLoader(
            settings.data_dir / "models", threads=count_threads(), build=build_in_task
        )
        self._pool = RerankPool()
        # Begins to load it; the start does not wait.
        await self._open_slot(RerankModel.BASE)

    async def rerank(
        self, query: str, passages: tuple[str, ...], within_s: float
    ) -> RerankResult:
        """Score passages with the model that the call is multiplexed to.

        Raises RerankerUnavailableError at once: the model is not there yet, or the work
        would take longer than `within_s`.
        """
        slot = await self._open_slot(serve.get_multiplexed_model_id())
        job = RerankJob(slot, query, passages)
        self._pool.admit(job, within_s)
        try:
            return await self._score(job)
        finally:
            self._pool.dismiss(job)

    async def health(self) -> PartHealth:
        """Report whether the base model is loaded."""
        slot = await self._open_slot(RerankModel.BASE)
        try:
            return PartHealth(PartStatus.OK, slot.loaded.note)
        except RerankerUnavailableError as error:
            return PartHealth(PartStatus.DEGRADED, f"{error}; the fused order serves")

    @serve.multiplexed(max_num_models_per_replica=len(RerankModel))  # type: ignore[untyped-decorator]
    async def _open_slot(self, model: str) -> ModelSlot:
        """Return a model's slot; it loads in the background, so this never waits."""
        if model not in self._models:
            message = f"no model is called {model!r}"
            raise RerankerUnavailableError(message)
        slot = ModelSlot(model, self._models[model], self._loader.load)
        slot.start()
        return slot

    @serve.batch(max_batch_size=MAX_CALLERS_PER_BATCH, batch_wait_timeout_s=GATHER_S)
    async def _score(self, jobs: list[RerankJob]) -> list[RerankResult]:
        return await self._pool.score(jobs)
