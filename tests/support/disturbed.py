"""An embedder whose vectors differ a little, as on another processor."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding.embedder import Embedder

#: Builds of the same model with another order of additions keep 0.9999 and move a
#: question's cosine with a passage by up to 0.0018, three times out of four by less
#: than 0.0005. This keeps less: it moves them by up to 0.003.
KEPT_COSINE = 0.9998


class DisturbedEmbedder:
    """Turns each vector of an embedder by a small angle, always alike for one seed."""

    def __init__(
        self, embedder: Embedder, seed: int, kept_cosine: float = KEPT_COSINE
    ) -> None:
        self._embedder = embedder
        self._seed = seed
        self._kept = kept_cosine
        # The same name: the weights of relevance are for this model.
        self.name, self.dimensions = embedder.name, embedder.dimensions

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions, and turn their vectors."""
        return self._turn("query", texts, self._embedder.embed_queries(texts))

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages, and turn their vectors."""
        return self._turn("passage", texts, self._embedder.embed_passages(texts))

    def count_tokens(self, text: str) -> int:
        """Count as the undisturbed embedder does."""
        return self._embedder.count_tokens(text)

    def _turn(
        self, kind: str, texts: Sequence[str], vectors: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        turned = [
            turn(vector, self._kept, f"{self._seed} {kind} {text}")
            for text, vector in zip(texts, vectors, strict=True)
        ]
        return np.array(turned, dtype=np.float32).reshape(vectors.shape)


def turn(
    vector: NDArray[np.float32], kept_cosine: float, name: str
) -> NDArray[np.float32]:
    """Turn a vector of length 1 towards a direction that its name draws."""
    digest = blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()
    drawn = np.random.default_rng(int.from_bytes(digest, "big")).normal(
        size=vector.shape
    )
    across = drawn - (drawn @ vector) * vector
    across /= np.linalg.norm(across)
    turned: NDArray[np.float32] = (
        kept_cosine * vector + np.sqrt(1 - kept_cosine**2) * across
    ).astype(np.float32)
    return turned
