"""Searches one tenant's knowledge in memory by embeddings and BM25 together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding.embedder import passage_text
from retrieval.errors import (
    DimensionMismatchError,
    EmbeddingError,
    SearchFailedError,
    name_failure,
)
from retrieval.index.bm25 import Bm25Index, count_terms
from retrieval.index.dense import DenseIndex
from retrieval.index.knowledge import (
    ChunkTable,
    FusionOrder,
    Hit,
    Hits,
    IndexedChunk,
    RetrieverName,
    SearchRequest,
)
from retrieval.index.lexicon import Lexicon
from retrieval.index.tenant_words import TenantWords
from retrieval.query.vocabulary import Vocabulary
from retrieval.ranking.fusion import fuse_by_weight, penalise_oov, pool, rrf
from retrieval.text.language import content_words, detect_language
from retrieval.text.normalise import has_words

# Chunks looked at for each parent wanted; a page of many good chunks asks for more.
_CHUNKS_PER_PARENT = 4
# Of a shorter word, being out of vocabulary says nothing.
_SHORTEST_OOV_WORD = 3


@dataclass(frozen=True, slots=True)
class _Scored:
    """A retriever's scores of all chunks, and its best units in order."""

    units: Sequence[int]
    keys: NDArray[np.int64]
    #: Of the query as it is ranked, and of the question as it was asked.
    ranking: NDArray[np.float32]
    shown: NDArray[np.float32]

    def of(self, scores: NDArray[np.float32], keys: Sequence[int]) -> dict[int, float]:
        """Look up the scores of those keys that have one."""
        places = np.searchsorted(self.keys, keys)
        is_there = places < len(self.keys)
        is_there[is_there] = self.keys[places[is_there]] == np.asarray(keys)[is_there]
        known = np.asarray(keys, dtype=np.int64)[is_there].tolist()
        return dict(zip(known, scores[places[is_there]].tolist(), strict=True))


_NO_SCORES = np.empty(0, dtype=np.float32)
_NOTHING = _Scored((), np.empty(0, dtype=np.int64), _NO_SCORES, _NO_SCORES)


class KnowledgeIndex:
    """A tenant's chunks under both indexes. Threads may share one.

    The sparse statistics are the whole tenant's, so that a small source's scores mean
    the same as a large one's; other sources are left out before the best are chosen.
    """

    def __init__(self, dimensions: int, *, sparse: Bm25Index | None = None) -> None:
        self._dense = DenseIndex(dimensions)
        self._sparse = Bm25Index() if sparse is None else sparse
        self._table = ChunkTable()
        #: None until a question is read by them; kept up to date from then on.
        self._words: TenantWords | None = None
        self._barred: set[UUID] = set()
        self._lock = Lock()
        self._applying = Lock()  # One revision after another; no question waits.

    def __len__(self) -> int:
        return len(self._table.chunks)

    def apply(
        self, upserted: Sequence[IndexedChunk] = (), deleted: Iterable[UUID] = ()
    ) -> None:
        """Take in one revision: first forget whole documents, then add or replace.

        A chunk replaces the one with its own id, so vectors may arrive later than words
        and in batches; the same words are not read again. To replace a document, name
        it in `deleted` as well. Applying the same revision again changes nothing.
        Raises DimensionMismatchError, and then nothing of the revision was applied.
        """
        # One id twice in a revision: the last word counts.
        wanted = {chunk.chunk_id: chunk for chunk in upserted}
        for vector in (chunk.vector for chunk in wanted.values()):
            if vector is not None and vector.shape != (self._dense.dimensions,):
                raise DimensionMismatchError
        with self._applying:
            staying, chunks = {}, []
            for chunk in wanted.values():
                if chunk.document_id in self._barred:
                    continue
                if self._table.holds(chunk):
                    staying[self._table.keys[chunk.chunk_id]] = chunk.vector
                else:
                    chunks.append(chunk)
            gone = self._table.keys_of(deleted)
            gone |= {self._table.keys.get(chunk.chunk_id, -1) for chunk in chunks}
            gone -= staying.keys() | {-1}
            # Outside the other lock, as this takes most of the time.
            texts = [passage_text(chunk.title, chunk.text) for chunk in chunks]
            languages = [detect_language(text) for text in texts]
            keys = self._table.next_keys(len(chunks))
            sparse = self._sparse
            if gone or texts:
                sparse = sparse.changed(gone, keys, [*map(count_terms, texts)])
            if self._words is not None:
                self._words.remove(self._table.chunks[key] for key in gone)
                self._words.add(chunks)
            given = [chunk.vector for chunk in chunks]
            vectors = dict(zip(keys, given, strict=True)) | staying
            with self._lock:
                self._replace(gone, vectors)
                self._table.add(keys, chunks, languages)
                self._sparse = sparse

    def prepare(self) -> None:
        """Build what questions need, so that the next one need not wait for it."""
        with self._applying:
            sparse = self._sparse.built()
            with self._lock:
                self._sparse = sparse

    def bar(self, documents: Collection[UUID]) -> None:
        """Forget documents for good: not even a revision under way brings them back."""
        if self._barred.issuperset(documents):
            # Nobody waits again for the part of an import that is being read.
            return
        with self._applying:
            gone = self._table.keys_of(documents)
            sparse = self._sparse.changed(gone, (), ())
            if self._words is not None:
                self._words.remove(self._table.chunks[key] for key in gone)
            with self._lock:
                self._replace(gone, {})
                self._sparse = sparse
            # Last: who finds them here need not look further.
            self._barred.update(documents)

    @property
    def lexicon(self) -> Lexicon:
        """Count the terms of the chunks; the first call reads all of them."""
        return self._read_words().lexicon

    @property
    def vocabulary(self) -> Vocabulary:
        """Hold the words of the chunks; the first call reads all of them."""
        return self._read_words().vocabulary

    def _read_words(self) -> TenantWords:
        words = self._words
        if words is None:
            # The first question reads them, so that a large index loads fast; others
            # that come meanwhile wait for it, and so does the next revision.
            with self._applying:
                words = self._words
                if words is None:
                    words = TenantWords(self._table.chunks.values())
                    self._words = words
        return words

    def find(self, wanted: SearchRequest) -> Hits:
        """Search by meaning and by words what the filters leave.

        The best of both retrievers by RRF are the candidates, and the weighted sum of
        their scores is the order, unless RRF is asked for. A retriever that fails, or a
        question that could not be embedded (None), leaves the other's order. A text
        without words finds nothing, whatever its vector. Raises SearchFailedError when
        both fail.
        """
        if not has_words(wanted.text):
            return Hits((), 0, 0, {})
        failures: dict[RetrieverName, str] = {}
        with self._lock:
            eligible = self._table.find_eligible(
                wanted.sources, wanted.tags, wanted.documents
            )
            dense = sparse = _NOTHING
            try:
                dense = self._search_dense(wanted, eligible)
            except Exception as error:  # noqa: BLE001  # whatever it is, words remain
                # Without a vector it was the embedder, which has been logged.
                failures[RetrieverName.DENSE] = (
                    type(error).__name__
                    if wanted.vector is None
                    else name_failure(RetrieverName.DENSE, error)
                )
            try:
                sparse = self._search_sparse(wanted, eligible)
            except Exception as error:
                if failures:
                    raise SearchFailedError from error
                failures[RetrieverName.SPARSE] = name_failure(
                    RetrieverName.SPARSE, error
                )
            penalised = wanted if failures else self._penalise_oov(wanted)
            hits = self._fuse(penalised, dense, sparse)
        return Hits(hits, len(dense.units), len(sparse.units), failures)

    def _penalise_oov(self, wanted: SearchRequest) -> SearchRequest:
        if wanted.oov_dense_weight is None:
            return wanted
        words = content_words(wanted.text)
        share = self._sparse.oov_share(
            [word for word in words if len(word) >= _SHORTEST_OOV_WORD]
        )
        weight = penalise_oov(wanted.dense_weight, wanted.oov_dense_weight, share)
        return replace(wanted, dense_weight=weight)

    def _search_dense(
        self, wanted: SearchRequest, eligible: NDArray[np.bool_] | None
    ) -> _Scored:
        if wanted.vector is None:
            raise EmbeddingError
        centred = self._dense.centre(wanted.vector, wanted.centring)
        keys, (ranking, shown) = self._dense.cosines(np.stack([centred, wanted.vector]))
        if eligible is not None:
            chosen = eligible[keys]
            keys, ranking, shown = keys[chosen], ranking[chosen], shown[chosen]
        units = self._best_units(keys, ranking, -np.inf, wanted, wanted.dense_top_k)
        return _Scored(units, keys, ranking, shown)

    def _search_sparse(
        self, wanted: SearchRequest, eligible: NDArray[np.bool_] | None
    ) -> _Scored:
        query = wanted.text if wanted.term_weights is None else wanted.term_weights
        keys, scores = self._sparse.scores(query)
        ranking = scores
        if eligible is not None:
            ranking = np.where(eligible[keys], scores, np.float32(0))
        units = self._best_units(keys, ranking, 0, wanted, wanted.sparse_top_k)
        return _Scored(units, keys, scores, scores)

    def _best_units(
        self,
        keys: NDArray[np.int64],
        scores: NDArray[np.float32],
        above: float,
        wanted: SearchRequest,
        k: int,
    ) -> list[int]:
        """Take the first k chunks, or the first k parents, each by its lowest key."""
        # The best of a page's chunks is known when as many chunks as there are parents
        # are seen; sorting all would take most of the time.
        n_chunks = k * (_CHUNKS_PER_PARENT if wanted.by_parent else 1)
        while True:
            best = _find_largest(scores, n_chunks, above)
            units: dict[int, None] = {}
            for key in keys[best].tolist():
                if len(units) == k:
                    break
                units[self._members(key, wanted)[0]] = None
            if len(units) == k or len(best) < n_chunks:
                return [*units]
            n_chunks *= _CHUNKS_PER_PARENT

    def _members(self, key: int, wanted: SearchRequest) -> Sequence[int]:
        """List the chunks of the unit that a chunk belongs to, itself or its parent."""
        if not wanted.by_parent:
            return (key,)
        return self._table.parent_keys[self._table.chunks[key].parent_id]

    def _fuse(
        self, wanted: SearchRequest, dense: _Scored, sparse: _Scored
    ) -> tuple[Hit, ...]:
        by_rank = rrf([dense.units, sparse.units])
        candidates = list(by_rank)[: wanted.fused_top_k]
        members = {unit: self._members(unit, wanted) for unit in candidates}
        asked = [key for keys in members.values() for key in keys]
        cosines, bm25 = dense.of(dense.ranking, asked), sparse.of(sparse.ranking, asked)
        shown = dense.of(dense.shown, asked)
        best = self._weigh(wanted, cosines, bm25)
        winners = {
            unit: max(keys, key=lambda key: best.get(key, -1.0))
            for unit, keys in members.items()
        }
        unit_bm25 = pool(bm25, members)
        weighted = self._weigh(wanted, pool(cosines, members), unit_bm25)
        dense_ranks = {key: rank for rank, key in enumerate(dense.units, start=1)}
        sparse_ranks = {key: rank for rank, key in enumerate(sparse.units, start=1)}
        hits = [
            Hit(
                self._table.chunks[winners[unit]],
                weighted[unit],
                by_rank[unit],
                dense_ranks.get(unit),
                shown.get(winners[unit]),
                sparse_ranks.get(unit),
                unit_bm25.get(unit),
            )
            for unit in candidates
        ]
        by_rrf = wanted.order is FusionOrder.RRF
        # The id settles ties, so that every replica gives the same order.
        hits.sort(
            key=lambda hit: (
                -(hit.rrf_score if by_rrf else hit.score),
                -hit.rrf_score,
                hit.chunk.chunk_id,
            )
        )
        return tuple(hits)

    def _weigh(
        self,
        wanted: SearchRequest,
        cosines: Mapping[int, float],
        bm25: Mapping[int, float],
    ) -> dict[int, float]:
        language = detect_language(wanted.text)
        foreign = [key for key in cosines if language != self._table.languages[key]]
        return fuse_by_weight(wanted.dense_weight, cosines, bm25, foreign)

    def get(self, chunk_id: UUID) -> IndexedChunk | None:
        """Get a chunk; None if it is not there any more."""
        key = self._table.keys.get(chunk_id)
        return None if key is None else self._table.chunks.get(key)

    def coverage(self, words: Sequence[str], chunk_id: UUID) -> float:
        """Give the share of some folded words that a chunk holds, 0 to 1."""
        with self._lock:
            key = self._table.keys.get(chunk_id)
            return 0.0 if key is None else self._sparse.coverage(words, key)

    def _replace(
        self,
        gone: Collection[int],
        vectors: Mapping[int, NDArray[np.float32] | None],
    ) -> None:
        """Forget chunks, and set the vectors of others; None has no vector yet."""
        given = {key: vector for key, vector in vectors.items() if vector is not None}
        self._dense.update({*gone, *vectors}, [*given], [*given.values()])
        for key in gone:
            self._table.forget(key)


def _find_largest(
    scores: NDArray[np.float32], k: int, above: float
) -> NDArray[np.int64]:
    """Order the places of the k largest scores, the earlier of equals first."""
    if k < 1:
        return np.empty(0, dtype=np.int64)
    if k < len(scores):
        cut = np.partition(scores, len(scores) - k)[len(scores) - k]
        (places,) = np.nonzero(scores >= cut if cut > above else scores > above)
    else:
        (places,) = np.nonzero(scores > above)
    return places[np.argsort(-scores[places], kind="stable")[:k]]
