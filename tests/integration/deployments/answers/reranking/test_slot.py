"""A slot loads in the background and is never waited for."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from actors.tasks import cancel_and_wait
from deployments.answers.reranking.models import Loaded
from deployments.answers.reranking.pool import ModelSlot
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
    loading = slot.start()
    with pytest.raises(RerankerUnavailableError, match="some/model is being loaded"):
        _ = slot.loaded
    gate.set()
    await loading
    assert slot.loaded.runtime.runtime == "lengths"


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
    loading = slot.start()
    await arrived.wait()
    await loading
    assert attempts == 3
    assert slot.loaded.runtime.runtime == "lengths"


async def test_the_reason_of_the_last_attempt_is_told() -> None:
    attempted = asyncio.Event()

    async def load(_: str) -> Loaded:
        attempted.set()
        raise RerankerUnavailableError("the hub can't be reached")  # noqa: EM101 - told once

    slot = ModelSlot("base", "some/model", load)
    loading = slot.start()
    await attempted.wait()
    with pytest.raises(RerankerUnavailableError, match="the hub can't be reached"):
        _ = slot.loaded
    await cancel_and_wait(loading)


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
        await slot.start()
    pauses = [line["pause_s"] for line in lines if line["event"] == "model_absent"]
    assert pauses == [0.001, 0.002, 0.004, 0.004, 0.004]
