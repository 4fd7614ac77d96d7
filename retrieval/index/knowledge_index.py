"""One tenant's knowledge in memory: words and vectors, searched together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding.embedder import passage_text
from retrieval.errors import (
    DimensionMismatchError,
    EmbeddingError,
    SearchFailedError,
)
from retrieval.failures import name_failure
from retrieval.index.arms import (
    NOTHING_FOUND,
    ArmFound,
    ArmScores,
    centre,
    find_largest,
    pool,
    weigh_arms,
)
from retrieval.index.bm25 import NO_TEXTS, Bm25Index, fit_texts
from retrieval.index.chunk_table import ChunkTable
from retrieval.index.dense import DenseIndex, build_query
from retrieval.index.hits import (
    DENSE_TOP_K,
    FUSED_TOP_K,
    SPARSE_TOP_K,
    Arm,
    FusionOrder,
    Hit,
    Hits,
    SearchRequest,
)
from retrieval.index.knowledge import IndexedChunk, SourceType
from retrieval.ranking.fusion import doubt_meaning, rrf
from retrieval.text.language import detect_language

# Chunks looked at for each parent wanted; a page of many good chunks asks for more.
_CHUNKS_PER_PARENT = 4


class KnowledgeIndex:
    """A tenant's chunks under both indexes. Threads may share one.

    The sparse statistics are the whole tenant's, so that a small source's scores mean
    the same as a large one's; other sources are left out before the best are chosen.
    """

    def __init__(self, dimensions: int, *, sparse: Bm25Index | None = None) -> None:
        self._dense = {source: DenseIndex(dimensions) for source in SourceType}
        self._sparse = Bm25Index() if sparse is None else sparse
        self._table = ChunkTable()
        self._barred: set[UUID] = set()
        self._lock = Lock()
        self._applying = Lock()  # One revision after another; no question waits.

    def __len__(self) -> int:
        return len(self._table.chunks)

    def apply(
        self,
        upserted: Sequence[IndexedChunk] = (),
        deleted: Iterable[UUID] = (),
        *,
        more_follows: bool = False,
    ) -> None:
        """Take in one revision: first forget whole documents, then add or replace.

        A chunk replaces the one with its own id, so vectors may arrive later than words
        and in batches; the same words are not read again. To replace a document, name
        it in `deleted` as well. Applying the same revision again changes nothing. With
        `more_follows`, scores may be a little off until `settle`. Raises
        DimensionMismatchError, and then nothing of the revision was applied.
        """
        # One id twice in a revision: the last word counts.
        wanted = {chunk.chunk_id: chunk for chunk in upserted}
        self._check_dimensions(wanted.values())
        with self._applying:
            allowed = [
                chunk
                for chunk in wanted.values()
                if chunk.document_id not in self._barred
            ]
            staying = {
                self._table.keys[chunk.chunk_id]: chunk.vector
                for chunk in allowed
                if self._table.holds(chunk)
            }
            chunks = [chunk for chunk in allowed if not self._table.holds(chunk)]
            gone = self._table.keys_of(deleted)
            gone |= {self._table.keys.get(chunk.chunk_id, -1) for chunk in chunks}
            gone -= staying.keys() | {-1}
            # Outside the other lock, as this takes most of the time.
            texts = [passage_text(chunk.title, chunk.text) for chunk in chunks]
            languages = [detect_language(text) for text in texts]
            keys = self._table.next_keys(len(chunks))
            sparse = self._sparse.changed(
                gone, keys, fit_texts(texts), more_follows=more_follows
            )
            with self._lock:
                self._forget(gone)
                self._table.add(keys, chunks, languages)
                given = [chunk.vector for chunk in chunks]
                self._set_vectors(dict(zip(keys, given, strict=True)) | staying)
                self._sparse = sparse

    def settle(self) -> None:
        """Work out what questions need, so that the next one need not."""
        with self._applying:
            sparse = self._sparse.settled()
            with self._lock:
                self._sparse = sparse

    def bar(self, documents: Collection[UUID]) -> None:
        """Forget documents for good: not even a revision under way brings them back."""
        if self._barred.issuperset(documents):
            # Nobody waits again for the part of an import that is being read.
            return
        with self._applying:
            gone = self._table.keys_of(documents)
            sparse = self._sparse.changed(gone, (), NO_TEXTS)
            with self._lock:
                self._forget(gone)
                self._sparse = sparse
            # Last: who finds them here need not look further.
            self._barred.update(documents)

    def search(
        self,
        query_text: str,
        query_vector: NDArray[np.float32] | None,
        sources: Collection[SourceType],
        *,
        dense_top_k: int = DENSE_TOP_K,
        sparse_top_k: int = SPARSE_TOP_K,
        fused_top_k: int = FUSED_TOP_K,
    ) -> Hits:
        """Search some sources by meaning and by words; see `find`."""
        return self.find(
            SearchRequest(
                query_text,
                query_vector,
                sources,
                dense_top_k=dense_top_k,
                sparse_top_k=sparse_top_k,
                fused_top_k=fused_top_k,
            )
        )

    def find(self, wanted: SearchRequest) -> Hits:
        """Search by meaning and by words what the filters leave.

        The best of both arms by RRF are the candidates, and the weighted sum of their
        scores is the order, unless RRF is asked for. An arm that fails, or a question
        that could not be embedded (None), leaves the other arm's order. Raises
        SearchFailedError when both fail.
        """
        failures: dict[Arm, str] = {}
        with self._lock:
            strange = self._sparse.share_of_strange
            lowest = wanted.strange_dense_weight
            weight = doubt_meaning(wanted.text, wanted.dense_weight, lowest, strange)
            wanted = replace(wanted, dense_weight=weight)
            eligible = self._table.find_eligible(wanted.tags, wanted.documents)
            dense = sparse = NOTHING_FOUND
            try:
                dense = self._search_dense(wanted, eligible)
            except Exception as error:  # noqa: BLE001  # whatever it is, words remain
                # Without a vector it was the embedder, which has been told of.
                failures[Arm.DENSE] = (
                    type(error).__name__
                    if wanted.vector is None
                    else name_failure(Arm.DENSE, error)
                )
            try:
                sparse = self._search_sparse(wanted, eligible)
            except Exception as error:
                if failures:
                    raise SearchFailedError from error
                failures[Arm.SPARSE] = name_failure(Arm.SPARSE, error)
            hits = self._fuse(wanted, dense, sparse)
        return Hits(hits, len(dense.ranking), len(sparse.ranking), failures)

    def _search_dense(
        self, wanted: SearchRequest, eligible: NDArray[np.bool_] | None
    ) -> ArmFound:
        sources = tuple(dict.fromkeys(wanted.sources))
        if wanted.vector is None:
            raise EmbeddingError
        sums = [one.vector_sum for one in self._dense.values()]
        query = centre(wanted.vector, sums, wanted.centring)
        queries = np.stack([query, wanted.vector])

        def score(keys: Sequence[int]) -> ArmScores:
            return self._similarities(queries, keys, sources)

        if eligible is not None:
            cosines = score(np.flatnonzero(eligible).tolist()).ranking
            found = sorted(cosines.items(), key=lambda match: -match[1])
            return ArmFound(self._units(found, wanted, wanted.dense_top_k), score)
        prepared = build_query(query)
        most = max((len(self._dense[source]) for source in sources), default=0)
        n_chunks = wanted.dense_top_k * (_CHUNKS_PER_PARENT if wanted.by_parent else 1)
        while True:
            found = sorted(
                (
                    match
                    for source in sources
                    for match in self._dense[source].search(prepared, n_chunks)
                ),
                key=lambda match: -match[1],
            )
            units = self._units(found, wanted, wanted.dense_top_k)
            if len(units) == wanted.dense_top_k or n_chunks >= most:
                return ArmFound(units, score)
            n_chunks *= _CHUNKS_PER_PARENT

    def _similarities(
        self,
        queries: NDArray[np.float32],
        keys: Sequence[int],
        sources: Collection[SourceType],
    ) -> ArmScores:
        by_source: dict[SourceType, list[int]] = {source: [] for source in sources}
        for key in keys:
            source = self._table.chunks[key].source
            if source in by_source:
                by_source[source].append(key)
        scores = ArmScores({}, {})
        for source, own in by_source.items():
            known, cosines = self._dense[source].similarities(queries, own)
            ranking, shown = cosines.tolist()
            scores.ranking.update(zip(known, ranking, strict=True))
            scores.shown.update(zip(known, shown, strict=True))
        return scores

    def _search_sparse(
        self, wanted: SearchRequest, eligible: NDArray[np.bool_] | None
    ) -> ArmFound:
        query = wanted.text if wanted.word_pieces is None else wanted.word_pieces
        keys, scores = self._sparse.scores(query)
        eligible_scores = scores
        if len(set(wanted.sources)) < len(SourceType):
            mask = self._table.mark_sources(keys, wanted.sources)
            eligible_scores = np.where(mask, eligible_scores, np.float32(0))
        if eligible is not None:
            eligible_scores = np.where(eligible[keys], eligible_scores, np.float32(0))
        # The best of a page's chunks is known when as many chunks as there are parents
        # are seen; sorting all would take most of the time.
        n_chunks = wanted.sparse_top_k * (_CHUNKS_PER_PARENT if wanted.by_parent else 1)
        while True:
            best = find_largest(eligible_scores, n_chunks)
            matches = zip(keys[best].tolist(), scores[best].tolist(), strict=True)
            units = self._units(matches, wanted, wanted.sparse_top_k)
            if len(units) == wanted.sparse_top_k or len(best) < n_chunks:
                break
            n_chunks *= _CHUNKS_PER_PARENT

        def score(asked: Sequence[int]) -> ArmScores:
            # Every chunk has words, if only those of its title: all are there.
            places = np.searchsorted(keys, asked)
            by_key = dict(zip(asked, scores[places].tolist(), strict=True))
            return ArmScores(by_key, by_key)

        return ArmFound(units, score)

    def _units(
        self, found: Iterable[tuple[int, float]], wanted: SearchRequest, k: int
    ) -> list[int]:
        """Take the first k chunks, or the first k parents, each by its lowest key."""
        units: dict[int, None] = {}
        for key, _ in found:
            if len(units) == k:
                break
            units[self._unit(key, wanted)] = None
        return [*units]

    def _unit(self, key: int, wanted: SearchRequest) -> int:
        if not wanted.by_parent:
            return key
        return self._table.parent_keys[self._table.chunks[key].parent_id][0]

    def _members(self, unit: int, wanted: SearchRequest) -> Sequence[int]:
        if not wanted.by_parent:
            return (unit,)
        return self._table.parent_keys[self._table.chunks[unit].parent_id]

    def _fuse(
        self, wanted: SearchRequest, dense: ArmFound, sparse: ArmFound
    ) -> tuple[Hit, ...]:
        by_rank = rrf([dense.ranking, sparse.ranking])
        candidates = list(by_rank)[: wanted.fused_top_k]
        members = {unit: self._members(unit, wanted) for unit in candidates}
        asked = [key for keys in members.values() for key in keys]
        similarities = dense.score(asked)
        cosines, bm25 = similarities.ranking, sparse.score(asked).ranking
        best = self._weigh(wanted, cosines, bm25)
        winners = {
            unit: max(keys, key=best.__getitem__) for unit, keys in members.items()
        }
        unit_cosines, unit_bm25 = pool(cosines, members), pool(bm25, members)
        weighted = self._weigh(wanted, unit_cosines, unit_bm25)
        dense_ranks = {key: rank for rank, key in enumerate(dense.ranking, start=1)}
        sparse_ranks = {key: rank for rank, key in enumerate(sparse.ranking, start=1)}
        hits = [
            Hit(
                self._table.chunks[winners[unit]],
                weighted[unit],
                by_rank[unit],
                dense_ranks.get(unit),
                similarities.shown.get(winners[unit]),
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
        return weigh_arms(wanted.dense_weight, cosines, bm25, foreign)

    def coverage(self, words: Sequence[str], chunk_id: UUID) -> float:
        """Tell how much of some folded words a chunk holds, 0 to 1."""
        with self._lock:
            key = self._table.keys.get(chunk_id)
            return 0.0 if key is None else self._sparse.coverage(words, key)

    def _check_dimensions(self, chunks: Iterable[IndexedChunk]) -> None:
        wanted = (self._dense[SourceType.MANUAL].dimensions,)
        for chunk in chunks:
            if chunk.vector is not None and chunk.vector.shape != wanted:
                raise DimensionMismatchError

    def _set_vectors(self, given: Mapping[int, NDArray[np.float32] | None]) -> None:
        vectors: dict[SourceType, dict[int, NDArray[np.float32]]] = {}
        for key, vector in given.items():
            if vector is None:
                self._dense[self._table.chunks[key].source].remove([key])
            else:
                vectors.setdefault(self._table.chunks[key].source, {})[key] = vector
        for source, by_key in vectors.items():
            self._dense[source].add([*by_key], np.stack([*by_key.values()]))

    def _forget(self, keys: Collection[int]) -> None:
        for key in keys:
            chunk = self._table.forget(key)
            self._dense[chunk.source].remove([key])
