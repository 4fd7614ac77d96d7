"""Holds one model of a replica: empty, loading or loaded; it never blocks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import structlog

from actors.backoff import exponential_backoff
from actors.tasks import cancel_and_wait
from retrieval.cross_encoder import CrossEncoderRuntime, LatencyEstimator
from retrieval.errors import RerankerUnavailableError

#: A hub that is away may be back soon; a machine that is offline stays so for long.
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)

log = structlog.get_logger("reranker")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready; `note` says what is less than best about it."""

    runtime: CrossEncoderRuntime
    note: str = ""


Loader = Callable[[str], Awaitable[Loaded]]


class ModelSlot:
    """Loads a model in the background, again and again until it is there."""

    def __init__(
        self,
        label: str,
        model: str,
        loader: Loader,
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
        self._has_tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to load."""
        self._task = asyncio.create_task(self._load())

    async def stop(self) -> None:
        """Give up loading and let the model go."""
        await cancel_and_wait(self._task)
        self._loaded = None
        self._reason = "was let go"

    @property
    def loaded(self) -> Loaded:
        """The model. Raises RerankerUnavailableError while it is not there."""
        if self._loaded is None:
            message = f"{self.model} {self._reason}"
            raise RerankerUnavailableError(message)
        return self._loaded

    async def wait(self) -> None:
        """Wait until the first attempt has ended, either way."""
        await self._has_tried.wait()

    async def settled(self) -> None:
        """Wait until the model is there, however many attempts that takes."""
        if self._task is not None:
            await self._task

    async def _load(self) -> None:
        for attempt in count(1):
            try:
                self._loaded = await self._loader(self.model)
            except RerankerUnavailableError as error:
                self._reason = f"is not there: {error}"
            except Exception as error:  # noqa: BLE001 - it must try again, whatever it is
                self._reason = f"is not there: {type(error).__name__}"
                log.warning("load_failed", model=self.model, error=repr(error)[:500])
            self._has_tried.set()
            if self._loaded is not None:
                log.info("model_loaded", model=self.model, note=self._loaded.note)
                return
            pause = exponential_backoff(attempt, self._first_pause, self._longest_pause)
            log.info("model_absent", reason=self._reason, pause_s=pause.total_seconds())
            await asyncio.sleep(pause.total_seconds())
