"""The dense index: cosines with every vector, exactly."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.errors import DimensionMismatchError
from retrieval.index.dense import DenseIndex

Vector = NDArray[np.float32]
AXES = np.eye(4, dtype=np.float32)


def build_index(dimensions: int, vectors: Mapping[int, Vector]) -> DenseIndex:
    index = DenseIndex(dimensions)
    index.update((), [*vectors], [*vectors.values()])
    return index


def cosines_by_key(index: DenseIndex, query: Iterable[float]) -> dict[int, float]:
    keys, products = index.cosines(np.array([[*query]], dtype=np.float32))
    assert keys.tolist() == sorted(keys.tolist())
    return dict(zip(keys.tolist(), products[0].tolist(), strict=True))


def make_vectors(seed: int, n_vectors: int, dimensions: int) -> Sequence[Vector]:
    drawn = np.random.default_rng(seed).standard_normal((n_vectors, dimensions))
    return [*drawn.astype(np.float32)]


def test_every_vector_is_compared_by_its_cosine() -> None:
    index = build_index(4, {2: 3 * AXES[1], 1: AXES[0], 3: AXES[2]})
    found = cosines_by_key(index, [0.8, 0.6, 0, 0])
    assert found == pytest.approx({1: 0.8, 2: 0.6, 3: 0})


def test_two_queries_are_compared_at_once() -> None:
    index = build_index(4, {1: AXES[0], 2: AXES[1]})
    keys, cosines = index.cosines(AXES[:2])
    assert keys.tolist() == [1, 2]
    assert cosines == pytest.approx(np.eye(2))


def test_a_key_added_again_has_its_new_vector() -> None:
    index = build_index(4, {1: AXES[0], 2: AXES[1]})
    index.update((), [1], [AXES[2]])
    assert len(index) == 2
    assert cosines_by_key(index, AXES[2]) == pytest.approx({1: 1, 2: 0})


def test_a_removed_key_is_not_found() -> None:
    index = build_index(4, {1: AXES[0], 2: AXES[1]})
    index.update([1, 77], [], [])
    assert [*cosines_by_key(index, AXES[0])] == [2]


def test_an_empty_index_finds_nothing() -> None:
    assert cosines_by_key(DenseIndex(4), AXES[0]) == {}


def test_another_models_vectors_are_refused() -> None:
    index = DenseIndex(4)
    with pytest.raises(DimensionMismatchError):
        index.update((), [1], [np.ones(5, dtype=np.float32)])
    with pytest.raises(DimensionMismatchError):
        index.cosines(np.ones((1, 5), dtype=np.float32))


def test_vectors_that_come_and_go_leave_the_others_in_place() -> None:
    vectors = make_vectors(5, 3000, 8)
    random = np.random.default_rng(5)
    index = DenseIndex(8)
    there: dict[int, int] = {}
    for batch in range(60):
        keys = range(batch * 50, batch * 50 + 50)
        index.update((), keys, vectors[keys.start : keys.stop])
        there.update({key: key for key in keys})
        gone = [int(key) for key in random.choice([*there], size=15, replace=False)]
        index.update(gone, [], [])
        for key in gone:
            del there[key]
        moved = next(iter(there))
        index.update((), [moved], [vectors[batch]])
        there[moved] = batch
    wanted = np.stack([vectors[place] for _, place in sorted(there.items())])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    found, cosines = index.cosines(np.eye(8, dtype=np.float32))
    assert found.tolist() == sorted(there)
    assert cosines == pytest.approx(wanted.T, abs=1e-5)
    total = wanted.sum(axis=0)
    assert index.centre(np.zeros(8, dtype=np.float32), 1) == pytest.approx(
        -total / np.linalg.norm(total), abs=1e-5
    )


def test_a_share_of_the_common_direction_is_taken_off_a_query() -> None:
    query = np.array([0.6, 0.8], dtype=np.float32)
    index = build_index(2, {1: np.array([0, 1], dtype=np.float32)})
    assert index.centre(query, 0.5) == pytest.approx([0.6, 0.3])
    assert index.centre(query, 0).tolist() == query.tolist()
    # What nothing is known to have in common stays as it is.
    assert DenseIndex(2).centre(query, 0.5).tolist() == query.tolist()


def test_the_order_of_arrival_does_not_change_the_cosines() -> None:
    vectors = make_vectors(7, 40, 16)
    forwards = build_index(16, dict(enumerate(vectors)))
    backwards = DenseIndex(16)
    for key in reversed(range(40)):
        backwards.update((), [key], [vectors[key]])
    query = vectors[0]
    assert cosines_by_key(forwards, query) == cosines_by_key(backwards, query)


def test_a_vector_without_length_is_near_to_nothing() -> None:
    index = build_index(4, {1: np.zeros(4, dtype=np.float32), 2: AXES[1]})
    assert cosines_by_key(index, AXES[1]) == pytest.approx({1: 0, 2: 1})
    assert cosines_by_key(index, np.zeros(4)) == {1: 0, 2: 0}
