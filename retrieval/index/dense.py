"""Search by meaning: the vectors of one source of one tenant."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from retrieval.errors import DimensionMismatchError

# Of a vector of length 1 no component is larger than 1, and 16 bits tell them apart as
# well as half precision does, in which they are stored.
_FINE_STEPS = 32_767
# From so many vectors on it pays to look at all in 8 bits, which is four times as fast,
# and only at the best of them again.
_LARGE = 1_000
# By so many more than wanted are looked at again: what 8 bits put a little too low.
_SPARE = 32
# A component of a vector of length 1 is about 1 / sqrt(dimensions), hardly one is four
# times as large, and what is larger is cut off.
_WIDEST = 4.0
_COARSE_STEPS = 127
# Every vector is looked at, so the graph that usearch keeps for approximate searches is
# made as thin as it goes: 10,000 vectors are added in 0.1 s instead of 6.6 s.
_CONNECTIVITY = 2
_EXPANSION_ADD = 1
_GROWTH = 1.5
_NOBODY = -1
# Of a vector that says nothing.
_NO_LENGTH = 1e-9


@dataclass(frozen=True, slots=True)
class DenseQuery:
    """A question's vector as all indexes of its size compare it."""

    vector: NDArray[np.float32]
    coarse: NDArray[np.int8]


def build_query(vector: NDArray[np.float32]) -> DenseQuery:
    """Bring a question's vector of shape (dimensions,) to length 1, and to 8 bits."""
    (at_length_1,) = _at_length_1(vector[np.newaxis])
    return DenseQuery(at_length_1, _coarsen(at_length_1))


class DenseIndex:
    """Vectors under integer keys, nearest first by cosine.

    Each is kept with 16 bits a component, at length 1; many are kept with 8 bits as
    well, in usearch, to find the few that are worth the exact look.
    """

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        # A row stays where it is, and is its vector's key in 8 bits: no search asks a
        # dictionary. One whose vector went is empty until the next takes it.
        self._rows = np.empty((0, dimensions), dtype=np.int16)
        self._key_of_row = np.empty(0, dtype=np.int64)
        self._row_of_key: dict[int, int] = {}
        self._empty_rows: list[int] = []
        # In whole steps: a vector that goes takes along just what it brought.
        self._sum = np.zeros(dimensions, dtype=np.int64)
        self._coarse: Index | None = None

    def __len__(self) -> int:
        return len(self._row_of_key)

    def __contains__(self, key: int) -> bool:
        return key in self._row_of_key

    def add(self, keys: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Add vectors of shape (n, dimensions); a known key gets the new vector.

        Raises DimensionMismatchError.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.dimensions:
            raise DimensionMismatchError
        if not keys:
            return
        self.remove(keys)
        rows = self._take_rows(len(keys))
        fine = np.rint(_at_length_1(vectors) * _FINE_STEPS).astype(np.int16)
        self._rows[rows] = fine
        self._key_of_row[rows] = keys
        self._row_of_key.update(zip(keys, rows, strict=True))
        self._sum += fine.sum(axis=0, dtype=np.int64)
        if self._coarse is not None:
            self._add_coarsely(self._coarse, rows)
        elif len(self) >= _LARGE:
            self._coarse = _open_coarse(self.dimensions)
            self._add_coarsely(self._coarse, [*self._row_of_key.values()])

    def remove(self, keys: Iterable[int]) -> None:
        """Forget vectors; unknown keys are none of its business."""
        known = [key for key in dict.fromkeys(keys) if key in self._row_of_key]
        if not known:
            return
        rows = [self._row_of_key.pop(key) for key in known]
        self._sum -= self._rows[rows].sum(axis=0, dtype=np.int64)
        self._key_of_row[rows] = _NOBODY
        self._empty_rows += rows
        if self._coarse is not None:
            self._coarse.remove(np.array(rows, dtype=np.uint64))

    @property
    def vector_sum(self) -> NDArray[np.float64]:
        """Give the sum of all vectors, each at length 1."""
        total: NDArray[np.float64] = self._sum / _FINE_STEPS
        return total

    def search(self, query: DenseQuery, k: int) -> list[tuple[int, float]]:
        """Find the k nearest keys with their cosines, best first.

        Raises DimensionMismatchError.
        """
        if query.vector.shape != (self.dimensions,):
            raise DimensionMismatchError
        if k < 1 or not len(self):
            return []
        rows = self._worth_looking_at(query, k)
        vectors = self._rows.take(rows, axis=0).astype(np.float32)
        cosines = vectors @ query.vector / np.float32(_FINE_STEPS)
        best = np.argsort(-cosines, kind="stable")[:k]
        keys = self._key_of_row.take(rows.take(best))
        return list(zip(keys.tolist(), cosines.take(best).tolist(), strict=True))

    def _worth_looking_at(self, query: DenseQuery, k: int) -> NDArray[np.int64]:
        n_rows = k + _SPARE
        if self._coarse is None or n_rows >= len(self):
            return np.flatnonzero(self._key_of_row != _NOBODY)
        found = self._coarse.search(query.coarse, n_rows, exact=True, threads=1)
        rows: NDArray[np.int64] = found.keys.astype(np.int64)
        return rows

    def similarities(
        self, queries: NDArray[np.float32], keys: Sequence[int]
    ) -> tuple[list[int], NDArray[np.float32]]:
        """Give the cosines of those keys that have a vector, a row for each query.

        `queries` has the shape (n, dimensions). The keys are those of the columns.
        """
        known = [key for key in keys if key in self._row_of_key]
        if not known:
            return [], np.empty((len(queries), 0), dtype=np.float32)
        rows = self._rows[[self._row_of_key[key] for key in known]]
        cosines: NDArray[np.float32] = queries @ rows.astype(np.float32).T
        return known, cosines / np.float32(_FINE_STEPS)

    def _take_rows(self, n_rows: int) -> list[int]:
        """Take empty rows, and make more where there are too few."""
        missing = n_rows - len(self._empty_rows)
        if missing > 0:
            # The first ones just fit: most sources stay as they were first read.
            before = len(self._rows)
            room = max(before + missing, int(_GROWTH * before))
            rows = np.zeros((room, self.dimensions), dtype=np.int16)
            key_of_row = np.full(room, _NOBODY, dtype=np.int64)
            rows[:before], key_of_row[:before] = self._rows, self._key_of_row
            self._rows, self._key_of_row = rows, key_of_row
            self._empty_rows += range(before, room)
        taken = self._empty_rows[:n_rows]
        del self._empty_rows[:n_rows]
        return taken

    def _add_coarsely(self, coarse: Index, rows: Sequence[int]) -> None:
        vectors = self._rows[rows].astype(np.float32) / np.float32(_FINE_STEPS)
        coarse.add(np.array(rows, dtype=np.uint64), _coarsen(vectors), threads=1)


def _open_coarse(dimensions: int) -> Index:
    return Index(
        ndim=dimensions,
        metric="ip",
        dtype="i8",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
    )


def _at_length_1(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = vectors / np.maximum(lengths, np.float32(_NO_LENGTH))
    return scaled


def _coarsen(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    """Round vectors of length 1 to 8 bits, all by the same steps.

    So their inner products have the order of their cosines, and usearch need not work
    out each one's length at each search, which would take as long again.
    """
    widest = min(1.0, _WIDEST / math.sqrt(vectors.shape[-1]))
    steps = np.rint(vectors * np.float32(_COARSE_STEPS / widest))
    coarse: NDArray[np.int8] = np.clip(steps, -_COARSE_STEPS, _COARSE_STEPS).astype(
        np.int8
    )
    return coarse
