"""Repeats the retrieval suite with vectors that another machine might have."""

from collections.abc import Collection, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.index.dense import DenseIndex
from tests.support.disturbed import turn
from tests.unit.retrieval.samples import GramEmbedder

#: The modules whose decisions must be the same on every processor.
REPEATED = {
    "test_production_rag",
    "test_context_retriever",
    "test_knowledge_index",
    "test_answerability",
}
SEEDS = (1, 2, 3)
#: Ten times as far from 1 as the vectors of two builds of one model.
KEPT_COSINE = 0.998


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of those modules as it is, and disturbed by each seed."""
    if metafunc.module.__name__.rpartition(".")[2] in REPEATED:
        metafunc.fixturenames.append("disturbance")
        ids = ["", *(f"disturbed-{seed}" for seed in SEEDS)]
        metafunc.parametrize("disturbance", [None, *SEEDS], indirect=True, ids=ids)


@pytest.fixture
def disturbance(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turn the vectors of all questions and of all indexed passages."""
    seed: int | None = request.param
    if seed is None:
        return
    embed, update = GramEmbedder.embed_queries, DenseIndex.update

    def disturb(vectors: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        return [
            turn(vector, KEPT_COSINE, f"{seed} {vector.tobytes().hex()}")
            for vector in vectors
        ]

    def embed_disturbed(
        embedder: GramEmbedder, texts: Sequence[str]
    ) -> NDArray[np.float32]:
        return np.stack(disturb([*embed(embedder, texts)]))

    def update_disturbed(
        index: DenseIndex,
        gone: Collection[int],
        keys: Sequence[int],
        vectors: Sequence[NDArray[np.float32]],
    ) -> None:
        update(index, gone, keys, disturb(vectors))

    monkeypatch.setattr(GramEmbedder, "embed_queries", embed_disturbed)
    monkeypatch.setattr(DenseIndex, "update", update_disturbed)
