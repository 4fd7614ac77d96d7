"""Slots that hold a model each, and the pool that scores pairs in shared batches."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import numpy as np
import structlog
from numpy.typing import NDArray

from actors.backoff import exponential_backoff
from deployments.answers.reranking.models import Loaded
from retrieval.cross_encoder.runtime import CrossEncoderRuntime, LatencyEstimator
from retrieval.errors import RerankerUnavailableError
from retrieval.ranking.reranking import RerankResult

#: A hub that is away may be back soon; a machine that is offline stays so for long.
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)

log = structlog.get_logger("reranker")


class ModelSlot:
    """Loads a model in the background, again and again until it is there."""

    def __init__(
        self,
        label: str,
        model: str,
        loader: Callable[[str], Awaitable[Loaded]],
        *,
        first_pause: timedelta = FIRST_PAUSE,
        longest_pause: timedelta = LONGEST_PAUSE,
    ) -> None:
        #: The value of the flag, and what the settings name for it.
        self.label, self.model = label, model
        self.latency = LatencyEstimator()
        self._loader = loader
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._loaded: Loaded | None = None
        self._reason = "is being loaded"
        self._task: asyncio.Task[None] | None = None

    def start(self) -> "asyncio.Task[None]":
        """Begin to load. The task ends when the model is there."""
        self._task = asyncio.create_task(self._load())
        return self._task

    @property
    def loaded(self) -> Loaded:
        """The model. Raises RerankerUnavailableError while it is not there."""
        if self._loaded is None:
            message = f"{self.model} {self._reason}"
            raise RerankerUnavailableError(message)
        return self._loaded

    async def _load(self) -> None:
        for attempt in count(1):
            try:
                self._loaded = await self._loader(self.model)
            except RerankerUnavailableError as error:
                self._reason = f"is not there: {error}"
            except Exception as error:  # noqa: BLE001 - it must try again, whatever it is
                self._reason = f"is not there: {type(error).__name__}"
                log.warning("load_failed", model=self.model, error=repr(error)[:500])
            if self._loaded is not None:
                log.info("model_loaded", model=self.model, note=self._loaded.note)
                return
            pause = exponential_backoff(attempt, self._first_pause, self._longest_pause)
            log.info("model_absent", reason=self._reason, pause_s=pause.total_seconds())
            await asyncio.sleep(pause.total_seconds())


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
        _ = job.slot.loaded  # raises while it is not there
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


def _timed(
    runtime: CrossEncoderRuntime, pairs: Sequence[tuple[str, str]]
) -> tuple[NDArray[np.float32], float]:
    began = time.perf_counter()
    scores = runtime.score(pairs)
    return scores, time.perf_counter() - began
