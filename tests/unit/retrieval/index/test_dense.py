"""The dense arm: nearest vectors, exactly."""

import numpy as np
import pytest

from retrieval.errors import DimensionMismatchError
from retrieval.index.dense import DenseIndex, build_query

AXES = np.eye(4, dtype=np.float32)


def test_the_nearest_come_first_with_their_cosines() -> None:
    index = DenseIndex(4)
    index.add([1, 2, 3], AXES[:3])
    query = np.array([0.8, 0.6, 0, 0], dtype=np.float32)
    found = index.search(build_query(query), 2)
    assert [key for key, _ in found] == [1, 2]
    assert [cosine for _, cosine in found] == pytest.approx([0.8, 0.6], abs=1e-3)


def test_a_key_added_again_has_its_new_vector() -> None:
    index = DenseIndex(4)
    index.add([1, 2], AXES[:2])
    index.add([1], AXES[2:3])
    assert len(index) == 2
    ((key, cosine),) = index.search(build_query(AXES[2]), 1)
    assert key == 1
    assert cosine == pytest.approx(1.0, abs=1e-3)


def test_a_removed_key_is_not_found() -> None:
    index = DenseIndex(4)
    index.add([1, 2], AXES[:2])
    index.remove([1, 77])
    assert 1 not in index
    assert [key for key, _ in index.search(build_query(AXES[0]), 5)] == [2]


def test_an_empty_index_finds_nothing() -> None:
    index = DenseIndex(4)
    assert index.search(build_query(AXES[0]), 5) == []
    index.add([1], AXES[:1])
    assert index.search(build_query(AXES[0]), 0) == []


def test_cosines_can_be_asked_for_by_key() -> None:
    index = DenseIndex(4)
    index.add([1, 2], AXES[:2])
    keys, cosines = index.similarities(AXES[:2], [1, 2, 3])
    assert keys == [1, 2]
    assert cosines == pytest.approx(np.eye(2), abs=1e-3)
    keys, cosines = index.similarities(AXES[:2], [3])
    assert (keys, cosines.shape) == ([], (2, 0))


def test_another_models_vectors_are_refused() -> None:
    index = DenseIndex(4)
    with pytest.raises(DimensionMismatchError):
        index.add([1], np.ones((1, 5), dtype=np.float32))
    with pytest.raises(DimensionMismatchError):
        index.search(build_query(np.ones(5, dtype=np.float32)), 1)


def test_the_search_is_exact_among_thousands() -> None:
    random = np.random.default_rng(7)
    vectors = random.standard_normal((3000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = DenseIndex(16)
    index.add(range(3000), vectors)
    index.remove(range(0, 3000, 3))
    query = vectors[1]
    found = [key for key, _ in index.search(build_query(query), 10)]
    # 16 bits may swap near-equals, so the tenth is compared by its cosine.
    cosines = np.sort((vectors @ query)[np.arange(3000) % 3 != 0])[::-1]
    assert found[0] == 1
    assert (vectors[found] @ query >= cosines[9] - 1e-3).all()


def test_the_sum_is_of_what_is_there() -> None:
    index = DenseIndex(2)
    index.add([1, 2, 3], np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32))
    index.add([2], np.array([[0.8, 0.6]], dtype=np.float32))
    index.remove([1])
    # 0.8 + 0 and 0.6 + 1, as near as 16 bits are.
    assert index.vector_sum == pytest.approx([0.8, 1.6], abs=1e-3)
    index.remove([2, 3])
    assert index.vector_sum.tolist() == [0.0, 0.0]


def test_what_8_bits_leave_out_is_none_of_the_best() -> None:
    # Like the embedder's: all near one another, told apart by little.
    random = np.random.default_rng(3)
    common = random.standard_normal(384)
    vectors = (2 * common + random.standard_normal((4000, 384))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = DenseIndex(384)
    index.add(range(4000), vectors)
    for query in vectors[:20] + 0.3 * vectors[20:40]:
        found = [key for key, _ in index.search(build_query(query), 20)]
        best = np.argsort(-(vectors @ query))[:20]
        assert len({*found} & {*best.tolist()}) >= 19
        assert found[0] == best[0]


def test_vectors_that_come_and_go_leave_the_others_in_place() -> None:
    random = np.random.default_rng(5)
    vectors = random.standard_normal((3000, 8)).astype(np.float32)
    index = DenseIndex(8)
    there: dict[int, int] = {}
    for batch in range(60):
        # Below and above the size from which 8 bits are looked at first.
        keys = range(batch * 50, batch * 50 + 50)
        index.add(keys, vectors[keys.start : keys.stop])
        there.update({key: key for key in keys})
        gone = [int(key) for key in random.choice([*there], size=15, replace=False)]
        index.remove(gone)
        for key in gone:
            del there[key]
        moved = next(iter(there))
        index.add([moved], vectors[batch : batch + 1])
        there[moved] = batch
    assert len(index) == len(there)
    known, cosines = index.similarities(np.eye(8, dtype=np.float32), [*there])
    assert known == [*there]
    wanted = vectors[[*there.values()]]
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert cosines == pytest.approx(wanted.T, abs=1e-3)
    assert index.vector_sum == pytest.approx(wanted.sum(axis=0), abs=0.1)
    for query in np.eye(8, dtype=np.float32):
        ((key, cosine),) = index.search(build_query(query), 1)
        assert key in there
        assert cosine == pytest.approx((wanted @ query).max(), abs=2e-3)


def test_a_vector_without_length_is_near_to_nothing() -> None:
    index = DenseIndex(4)
    index.add([1, 2], np.stack([np.zeros(4, dtype=np.float32), AXES[1]]))
    assert [key for key, _ in index.search(build_query(AXES[1]), 2)] == [2, 1]
    assert index.search(build_query(np.zeros(4, dtype=np.float32)), 1)[0][1] == 0
