"""The dense index: one tenant's vectors, compared exactly by cosine."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import DimensionMismatchError

# The length below which a vector counts as one without a direction.
_NO_LENGTH = 1e-9


class DenseIndex:
    """Vectors of length 1 under integer keys, as one matrix.

    Every vector is compared with each question: 10,000 of 384 dimensions take half a
    millisecond, a fraction of what embedding the question takes.
    """

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        #: In ascending order, as a sorted array is its own index by key.
        self._keys = np.empty(0, dtype=np.int64)
        self._vectors = np.empty((0, dimensions), dtype=np.float32)
        self._sum: NDArray[np.float64] = np.zeros(dimensions)

    def __len__(self) -> int:
        return len(self._keys)

    def update(
        self,
        gone: Collection[int],
        keys: Sequence[int],
        vectors: Sequence[NDArray[np.float32]],
    ) -> None:
        """Remove keys, then add vectors; a known key gets the new vector.

        Each call copies the matrix, so changes belong into as few calls as possible.
        Raises DimensionMismatchError.
        """
        if any(vector.shape != (self.dimensions,) for vector in vectors):
            raise DimensionMismatchError
        stays = ~np.isin(self._keys, [*gone, *keys])
        if stays.all() and not keys:
            return
        new = np.array(vectors, dtype=np.float32).reshape(-1, self.dimensions)
        lengths = np.linalg.norm(new, axis=1, keepdims=True)
        new /= np.maximum(lengths, np.float32(_NO_LENGTH))
        joined = np.concatenate([self._keys[stays], np.array(keys, dtype=np.int64)])
        order = np.argsort(joined, kind="stable")
        self._keys = joined[order]
        self._vectors = np.concatenate([self._vectors[stays], new])
        if not np.array_equal(order, np.arange(len(order))):
            self._vectors = self._vectors[order]
        self._sum = self._vectors.sum(axis=0, dtype=np.float64)

    def centre(self, query: NDArray[np.float32], share: float) -> NDArray[np.float32]:
        """Take a share of the direction that all vectors have in common off a query.

        By hand: half of the direction (0, 1) off (0.6, 0.8) is (0.6, 0.3).
        """
        length = float(np.linalg.norm(self._sum))
        # Of another size, the search itself will refuse the query.
        if not share or not length or query.shape != self._sum.shape:
            return query
        return (query - share / length * self._sum).astype(np.float32)

    def cosines(
        self, queries: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Compare queries of shape (n, dimensions) with every vector.

        Returns the keys, ascending, and products of shape (n, n_keys): cosines if the
        queries are of length 1. Raises DimensionMismatchError.
        """
        if queries.shape[1:] != (self.dimensions,):
            raise DimensionMismatchError
        # Row by row, on one thread: BLAS would wake others, which takes ten times as
        # long on a busy machine, and adds up in an order that depends on their number.
        products: NDArray[np.float32] = np.vecdot(self._vectors, queries[:, np.newaxis])
        return self._keys, products
