"""The request and the result of a search."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from retrieval.index.knowledge import IndexedChunk, SourceType

DENSE_TOP_K = 20
SPARSE_TOP_K = 15
FUSED_TOP_K = 20
# Measured on five sets, Persian and English, clean and noisy: .5 to .6 are within a
# point of each other, and both retrievers alone or RRF are below on every set.
DENSE_WEIGHT = 0.55
# Lower bound of the dense weight when query words are out of vocabulary, which are
# likely typing errors: they cost the embedder far more than the character n-grams.
OOV_DENSE_WEIGHT = 0.4


class RetrieverName(StrEnum):
    """The two retrievers: by meaning (dense) and by words (sparse)."""

    DENSE = "dense"
    SPARSE = "sparse"


class FusionOrder(StrEnum):
    """The score that orders the candidates of both retrievers."""

    WEIGHTED = "weighted"
    RRF = "rrf"


@dataclass(frozen=True, slots=True)
class RetrievalFilter:
    """The part of the knowledge that may be searched; empty leaves nothing out."""

    sources: Collection[SourceType] = ()
    tags: Collection[str] = ()
    documents: Collection[UUID] = ()

    def narrow(self, sources: Collection[SourceType]) -> tuple[SourceType, ...]:
        """Keep those of some sources that may be searched."""
        return tuple(
            source for source in sources if not self.sources or source in self.sources
        )


EVERYTHING = RetrievalFilter()


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A question as both retrievers take it, and where they may look.

    An empty filter leaves nothing out. With `by_parent`, candidates are parents, each
    represented by its best chunk, so that three chunks of one page take one place.
    """

    text: str
    vector: NDArray[np.float32] | None
    sources: Collection[SourceType]
    term_weights: Mapping[str, float] | None = None
    """Sparse terms with weights, instead of the text's own."""

    tags: Collection[str] = ()
    documents: Collection[UUID] = ()
    dense_top_k: int = DENSE_TOP_K
    sparse_top_k: int = SPARSE_TOP_K
    fused_top_k: int = FUSED_TOP_K
    dense_weight: float = DENSE_WEIGHT
    oov_dense_weight: float | None = None
    """Lower bound of the dense weight with out-of-vocabulary words; None keeps it."""

    centring: float = 0.0
    """How much of the knowledge's mean vector is taken from the question's.

    Some passages are near to every question, because they are near to what all passages
    have in common; without it, what a passage has of its own counts for more.
    """

    order: FusionOrder = FusionOrder.WEIGHTED
    by_parent: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A found chunk with its ranks and scores.

    Ranks count from 1 and are None outside a retriever's top k. Scores are there for
    every hit that a retriever can score: a BM25 score, a cosine (of the question as it
    is, even where it was centred to be ranked). `score` is the weighted fusion, 0 to 1,
    comparable within one search only.
    """

    chunk: IndexedChunk
    score: float
    rrf_score: float
    dense_rank: int | None
    dense_score: float | None
    sparse_rank: int | None
    sparse_score: float | None


@dataclass(frozen=True, slots=True)
class Hits:
    """The outcome of a search, best first."""

    hits: tuple[Hit, ...]
    n_dense: int
    n_sparse: int
    degraded: Mapping[RetrieverName, str]
    """The retrievers that failed, each with the name of its error."""
