"""The records of a tenant's knowledge and of its search, and the table of chunks."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from retrieval.documents.blocks import Block
from retrieval.text.language import Language


class SourceType(StrEnum):
    """Where a document came from."""

    MANUAL = "manual"
    FAQ = "faq"
    PRODUCTS = "products"
    WEBSITE = "website"


DENSE_TOP_K = 20
SPARSE_TOP_K = 15
FUSED_TOP_K = 20
# Measured on five sets, Persian and English, clean and noisy: .5 to .6 are within a
# point of each other, and both retrievers alone or RRF are below on every set.
DENSE_WEIGHT = 0.55
# Lower bound of the dense weight when query words are out of vocabulary, which are
# likely typing errors: they cost the embedder far more than the character n-grams.
OOV_DENSE_WEIGHT = 0.4
_CODES = {source: code for code, source in enumerate(SourceType)}


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A child chunk with all that an answer needs to show and cite it.

    Texts are the original, for people to read. A chunk without a vector is not embedded
    yet: it is found by its words until then.
    """

    chunk_id: UUID
    document_id: UUID
    source: SourceType
    title: str
    text: str
    parent_id: UUID
    parent_text: str
    url: str | None = None
    tags: frozenset[str] = frozenset()
    #: What the document's reader understood; None for chunks of plain text.
    block: Block | None = None
    #: Grows with each change of the tenant's knowledge: the larger is the newer.
    revision: int = 0
    vector: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)


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


class ChunkTable:
    """Chunks by key. Each key is given once: a changed chunk gets a new key."""

    def __init__(self) -> None:
        self.chunks: dict[int, IndexedChunk] = {}
        self.languages: dict[int, Language] = {}
        self.keys: dict[UUID, int] = {}
        #: In ascending order, so that replicas name a parent by the same chunk.
        self.parent_keys: dict[UUID, list[int]] = {}
        self._document_keys: dict[UUID, set[int]] = {}
        self._next_key = 0
        self._source_of_key = np.empty(0, dtype=np.int8)

    def holds(self, chunk: IndexedChunk) -> bool:
        """Tell whether a chunk is there, word for word."""
        key = self.keys.get(chunk.chunk_id)
        return key is not None and self.chunks[key] == chunk

    def keys_of(self, documents: Iterable[UUID]) -> set[int]:
        """List the keys of some documents' chunks."""
        return {key for one in documents for key in self._document_keys.get(one, ())}

    def next_keys(self, n_chunks: int) -> range:
        """Reserve nothing, but name the keys that `add` will give next."""
        return range(self._next_key, self._next_key + n_chunks)

    def add(
        self,
        keys: range,
        chunks: Sequence[IndexedChunk],
        languages: Sequence[Language],
    ) -> None:
        """Add chunks, without their vectors, under keys of `next_keys`."""
        self._next_key = keys.stop
        codes = [_CODES[chunk.source] for chunk in chunks]
        self._source_of_key = np.concatenate(
            [self._source_of_key, np.array(codes, dtype=np.int8)]
        )
        for key, chunk, language in zip(keys, chunks, languages, strict=True):
            # The dense index holds the vector; a second copy would double memory.
            self.chunks[key] = replace(chunk, vector=None)
            self.keys[chunk.chunk_id] = key
            self.languages[key] = language
            self._document_keys.setdefault(chunk.document_id, set()).add(key)
            self.parent_keys.setdefault(chunk.parent_id, []).append(key)

    def forget(self, key: int) -> None:
        """Take out one chunk."""
        chunk = self.chunks.pop(key)
        del self.languages[key]
        del self.keys[chunk.chunk_id]
        others = self._document_keys[chunk.document_id]
        others.remove(key)
        if not others:
            del self._document_keys[chunk.document_id]
        siblings = self.parent_keys[chunk.parent_id]
        siblings.remove(key)
        if not siblings:
            del self.parent_keys[chunk.parent_id]

    def find_eligible(
        self,
        sources: Collection[SourceType],
        tags: Collection[str],
        documents: Collection[UUID],
    ) -> NDArray[np.bool_] | None:
        """Mark, by key, what the filters leave; None is everything.

        No tags and no documents leave nothing out; no sources leave nothing.
        """
        if len(set(sources)) == len(SourceType) and not tags and not documents:
            return None
        of_source = np.isin(
            np.arange(len(SourceType)), [_CODES[source] for source in sources]
        )
        eligible: NDArray[np.bool_] = of_source[self._source_of_key]
        if tags or documents:
            keys = self.keys_of(documents) if documents else self.chunks.keys()
            wanted = frozenset(tags)
            is_chosen = np.zeros(self._next_key, dtype=np.bool_)
            is_chosen[
                [
                    key
                    for key in keys
                    if not wanted or not wanted.isdisjoint(self.chunks[key].tags)
                ]
            ] = True
            eligible &= is_chosen
        return eligible
