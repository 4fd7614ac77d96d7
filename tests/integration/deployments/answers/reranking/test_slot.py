"""A slot loads in the background and is never waited for."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from deployments.answers.reranking.slot import Loaded, ModelSlot
from retrieval.errors import RerankerUnavailableError

AT_ONCE, MS = timedelta(0), timedelta(milliseconds=1)


class LengthRanker:
    """Scores a passage by its length."""

    runtime = "lengths"

    def score(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        return np.array([len(passage) for _, passage in pairs], dtype=np.float32)


async def test_while_a_model_is_being_loaded_its_callers_are_refused() -> None:
    gate = asyncio.Event()

    async def load(_: str) -> Loaded:
        await gate.wait()
        return Loaded(LengthRanker())

    slot = ModelSlot("base", "some/model", load)
    slot.start()
    with pytest.raises(RerankerUnavailableError, match="some/model is being loaded"):
        _ = slot.loaded
    gate.set()
    await slot.wait()
    assert slot.loaded.runtime.runtime == "lengths"
    await slot.stop()


async def test_a_model_that_was_away_is_tried_again_until_it_is_there() -> None:
    attempts = 0
    arrived = asyncio.Event()

    async def load(_: str) -> Loaded:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise RerankerUnavailableError("the hub can't be reached")  # noqa: EM101 - told once
        if attempts == 2:
            raise OSError
        arrived.set()
        return Loaded(LengthRanker())

    slot = ModelSlot("base", "some/model", load, first_pause=AT_ONCE)
    slot.start()
    await arrived.wait()
    await slot.settled()
    assert attempts == 3
    assert slot.loaded.runtime.runtime == "lengths"


async def test_the_reason_of_the_last_attempt_is_told() -> None:
    async def load(_: str) -> Loaded:
        raise RerankerUnavailableError("the hub can't be reached")  # noqa: EM101 - told once

    slot = ModelSlot("base", "some/model", load)
    slot.start()
    await slot.wait()
    with pytest.raises(RerankerUnavailableError, match="the hub can't be reached"):
        _ = slot.loaded
    await slot.stop()


async def test_pauses_grow_up_to_the_longest() -> None:
    attempts = 0

    async def load(_: str) -> Loaded:
        nonlocal attempts
        attempts += 1
        if attempts < 6:
            raise OSError
        return Loaded(LengthRanker())

    slot = ModelSlot("base", "m", load, first_pause=MS, longest_pause=4 * MS)
    with capture_logs() as lines:
        slot.start()
        await slot.settled()
    pauses = [line["pause_s"] for line in lines if line["event"] == "model_absent"]
    assert pauses == [0.001, 0.002, 0.004, 0.004, 0.004]


async def test_a_stopped_slot_holds_nothing() -> None:
    async def load(_: str) -> Loaded:
        return Loaded(LengthRanker())

    slot = ModelSlot("base", "some/model", load)
    slot.start()
    await slot.wait()
    await slot.stop()
    with pytest.raises(RerankerUnavailableError):
        _ = slot.loaded
