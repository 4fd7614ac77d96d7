"""A pool scores several callers' passages together, and refuses what comes too late."""

from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from deployments.answers.reranking.pool import RerankJob, RerankPool
from deployments.answers.reranking.slot import Loaded, ModelSlot
from retrieval.errors import RerankerUnavailableError


class LengthRanker:
    """Scores a passage by its length, and keeps what it was asked."""

    runtime = "lengths"

    def __init__(self) -> None:
        self.asked: list[list[tuple[str, str]]] = []

    def score(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        self.asked.append([*pairs])
        scores = [np.nan if "nan" in text else len(text) for _, text in pairs]
        return np.array(scores, dtype=np.float32)


@pytest.fixture
def ranker() -> LengthRanker:
    return LengthRanker()


@pytest.fixture
async def slot(ranker: LengthRanker) -> AsyncIterator[ModelSlot]:
    async def load(_: str) -> Loaded:
        return Loaded(ranker)

    slot = ModelSlot("base", "lengths", load)
    slot.start()
    await slot.wait()
    yield slot
    await slot.stop()


@pytest.fixture
async def pool() -> AsyncIterator[RerankPool]:
    pool = RerankPool()
    yield pool
    pool.stop()


async def test_several_callers_share_one_batch_and_each_gets_its_own_scores(
    pool: RerankPool, slot: ModelSlot, ranker: LengthRanker
) -> None:
    first = RerankJob(slot, "q", ("a", "aaa"))
    second = RerankJob(slot, "r", ("aa",))
    results = await pool.score([first, second])
    assert [result.scores for result in results] == [(1.0, 3.0), (2.0,)]
    assert {result.model for result in results} == {"base"}
    assert len(ranker.asked) == 1


async def test_the_same_passage_of_the_same_question_is_read_once(
    pool: RerankPool, slot: ModelSlot, ranker: LengthRanker
) -> None:
    job = RerankJob(slot, "q", ("a", "a"))
    results = await pool.score([job, job])
    assert [result.scores for result in results] == [(1.0, 1.0)] * 2
    assert ranker.asked == [[("q", "a")]]


async def test_what_would_come_too_late_is_refused_at_once(
    pool: RerankPool, slot: ModelSlot
) -> None:
    slot.latency.learn(chars=100, seconds=1.0)
    waiting = RerankJob(slot, "", ("x" * 150,))
    late = RerankJob(slot, "", ("x" * 100,))
    pool.admit(waiting, within_s=2.0)
    with pytest.raises(RerankerUnavailableError, match="busy"):
        pool.admit(late, within_s=2.0)
    pool.dismiss(waiting)
    pool.admit(late, within_s=2.0)


async def test_a_model_that_computes_no_numbers_is_as_good_as_none(
    pool: RerankPool, slot: ModelSlot
) -> None:
    with pytest.raises(RerankerUnavailableError, match="computes no numbers"):
        await pool.score([RerankJob(slot, "q", ("fine", "nan"))])


async def test_no_passages_are_no_work(pool: RerankPool, slot: ModelSlot) -> None:
    (result,) = await pool.score([RerankJob(slot, "q", ())])
    assert result.scores == ()
