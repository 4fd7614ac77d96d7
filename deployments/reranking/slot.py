"""One model's place in a replica: empty, being filled, filled; it never blocks."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from retrieval.cross_encoder import CrossEncoderRuntime, Pace
from retrieval.errors import RerankerUnavailableError

#: A hub that is away may be back soon; a machine that is offline stays so for long.
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)

log = structlog.get_logger("reranker")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is there; `note` says what is less than best about it."""

    runtime: CrossEncoderRuntime
    note: str = ""


Loader = Callable[[str], Awaitable[Loaded]]


class ModelSlot:
    """Loads a model in the background, again and again until it is there."""

    def __init__(
        self,
        model: str,
        loader: Loader,
        *,
        first_pause: timedelta = FIRST_PAUSE,
        longest_pause: timedelta = LONGEST_PAUSE,
    ) -> None:
        self.model = model
        self.pace = Pace()
        self._loader = loader
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._loaded: Loaded | None = None
        self._reason = "is being loaded"
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to load."""
        self._task = asyncio.create_task(self._load())

    async def stop(self) -> None:
        """Give up loading and let the model go."""
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._loaded = None

    @property
    def loaded(self) -> Loaded:
        """The model. Raises RerankerUnavailableError while it is not there."""
        if self._loaded is None:
            message = f"{self.model} {self._reason}"
            raise RerankerUnavailableError(message)
        return self._loaded

    async def wait(self) -> None:
        """Wait until the first attempt has ended, either way."""
        await self._changed.wait()

    async def _load(self) -> None:
        pause = self._first_pause
        while not self._stopping.is_set():
            try:
                self._loaded = await self._loader(self.model)
            except RerankerUnavailableError as error:
                self._reason = f"is not there: {error}"
            except Exception as error:  # noqa: BLE001 - it must try again, whatever it is
                self._reason = f"is not there: {type(error).__name__}"
                log.warning("load_failed", model=self.model, error=repr(error)[:500])
            self._changed.set()
            if self._loaded is not None:
                log.info("model_loaded", model=self.model, note=self._loaded.note)
                return
            log.info("model_absent", reason=self._reason, pause_s=pause.total_seconds())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause.total_seconds())
            pause = min(2 * pause, self._longest_pause)
