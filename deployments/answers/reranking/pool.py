"""Scores the pairs of many callers in shared batches, and refuses late work."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.answers.reranking.slot import ModelSlot
from retrieval.cross_encoder import CrossEncoderRuntime
from retrieval.errors import RerankerUnavailableError
from retrieval.ranking.reranking import RerankResult


@dataclass(frozen=True, slots=True)
class RerankJob:
    """One caller's question to one model."""

    slot: ModelSlot
    query: str
    passages: tuple[str, ...]

    @property
    def chars(self) -> int:
        """The amount of work, in characters."""
        read = sum(len(passage) for passage in self.passages)
        return read + len(self.query) * len(self.passages)


class RerankPool:
    """Computes one batch at a time, with all threads of the runtime."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rerank")

    def admit(self, job: RerankJob, within_s: float) -> None:
        """Admit a job, or refuse at once a job that would be done too late.

        Raises RerankerUnavailableError: the model is not there, or too much waits.
        """
        _ = job.slot.loaded
        predicted_s = job.slot.latency.predict(job.chars)
        if predicted_s > within_s:
            message = f"busy: {predicted_s:.1f} s of work, {within_s:.1f} s of time"
            raise RerankerUnavailableError(message)
        job.slot.latency.add(job.chars)

    def dismiss(self, job: RerankJob) -> None:
        """Remove an admitted job from the work that waits, however it ended."""
        job.slot.latency.remove(job.chars)

    async def score(self, jobs: Sequence[RerankJob]) -> list[RerankResult]:
        """Score the jobs of several callers in one batch; all are for one model.

        Raises RerankerUnavailableError: the model is gone, or computes no numbers.
        """
        slot = jobs[0].slot
        runtime = slot.loaded.runtime
        # The same passage of the same question is scored once.
        positions: dict[tuple[str, str], int] = {}
        for job in jobs:
            for passage in job.passages:
                positions.setdefault((job.query, passage), len(positions))
        loop = asyncio.get_running_loop()
        scores, seconds = await loop.run_in_executor(
            self._thread, _timed, runtime, [*positions]
        )
        slot.latency.learn(sum(job.chars for job in jobs), seconds)
        if not np.isfinite(scores).all():
            message = f"{slot.model} computes no numbers"
            raise RerankerUnavailableError(message)
        return [
            RerankResult(
                tuple(
                    float(scores[positions[job.query, text]]) for text in job.passages
                ),
                slot.label,
            )
            for job in jobs
        ]

    def stop(self) -> None:
        """End the thread after the batch that it computes."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _timed(
    runtime: CrossEncoderRuntime, pairs: Sequence[tuple[str, str]]
) -> tuple[NDArray[np.float32], float]:
    began = time.perf_counter()
    scores = runtime.score(pairs)
    return scores, time.perf_counter() - began
