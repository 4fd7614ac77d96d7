"""Search by meaning: the vectors of one source of one tenant."""

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from retrieval.errors import DimensionMismatchError

# Search is exact, so the graph that usearch keeps for its approximate search is made as
# thin as it goes: 10,000 vectors are added in 0.1 s instead of 6.6 s and searched in
# 1.2 ms.
_CONNECTIVITY = 2
_EXPANSION_ADD = 1


class DenseIndex:
    """Vectors under integer keys, nearest first by cosine.

    Kept in half precision, as they are stored: a restart changes no order.
    """

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._index = Index(
            ndim=dimensions,
            metric="cos",
            dtype="f16",
            connectivity=_CONNECTIVITY,
            expansion_add=_EXPANSION_ADD,
        )
        # Asked of the index itself, each key would cost a microsecond.
        self._known: set[int] = set()
        # Sums of numbers in half precision are exact in double: a vector that goes
        # takes along just what it brought.
        self._sum = np.zeros(dimensions, dtype=np.float64)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, key: int) -> bool:
        return key in self._known

    def add(self, keys: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Add vectors of shape (n, dimensions); a known key gets the new vector.

        Raises DimensionMismatchError.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.dimensions:
            raise DimensionMismatchError
        if not keys:
            return
        self.remove(keys)
        self._index.add(np.array(keys, dtype=np.uint64), vectors, threads=1)
        self._known.update(keys)
        self._sum += vectors.astype(np.float16).sum(axis=0, dtype=np.float64)

    def remove(self, keys: Iterable[int]) -> None:
        """Forget vectors; unknown keys are none of its business."""
        known = [key for key in keys if key in self._known]
        if known:
            self._sum -= self._get(known).sum(axis=0, dtype=np.float64)
            self._index.remove(np.array(known, dtype=np.uint64))
            self._known.difference_update(known)

    @property
    def vector_sum(self) -> NDArray[np.float64]:
        """Give the sum of all vectors."""
        return self._sum

    def search(self, query: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """Find the k nearest keys with their cosines, best first.

        Raises DimensionMismatchError.
        """
        if query.shape != (self.dimensions,):
            raise DimensionMismatchError
        if k < 1 or not self._known:
            return []
        matches = self._index.search(query, min(k, len(self)), exact=True, threads=1)
        cosines = 1.0 - matches.distances
        return list(zip(matches.keys.tolist(), cosines.tolist(), strict=True))

    def similarities(
        self, queries: NDArray[np.float32], keys: Sequence[int]
    ) -> tuple[list[int], NDArray[np.float32]]:
        """Give the cosines of those keys that have a vector, a row for each query.

        `queries` has the shape (n, dimensions). The keys are those of the columns.
        """
        known = [key for key in keys if key in self._known]
        if not known:
            return [], np.empty((len(queries), 0), dtype=np.float32)
        vectors = self._get(known)
        cosines: NDArray[np.float32] = queries @ vectors.T
        return known, cosines / np.linalg.norm(vectors, axis=1)

    def _get(self, keys: Sequence[int]) -> NDArray[np.float32]:
        # One array a key, and all are there.
        found = self._index.get(np.array(keys, dtype=np.uint64), dtype="f32")
        return np.stack(cast("tuple[NDArray[np.float32], ...]", found))
