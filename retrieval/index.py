"""One tenant's knowledge in memory: words and vectors, searched together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from retrieval.arms import (
    NOTHING_FOUND,
    ArmFound,
    ArmScores,
    centre,
    find_largest,
    pool,
    weigh_arms,
)
from retrieval.bm25 import Bm25Index, FittedTexts, fit_texts
from retrieval.dense import DenseIndex, build_query
from retrieval.embedding import passage_text
from retrieval.errors import (
    DimensionMismatchError,
    EmbeddingError,
    SearchFailedError,
)
from retrieval.failures import name_failure
from retrieval.fusion import doubt_meaning, rrf
from retrieval.hits import (
    DENSE_TOP_K,
    FUSED_TOP_K,
    SPARSE_TOP_K,
    Arm,
    FusionOrder,
    Hit,
    Hits,
    SearchRequest,
)
from retrieval.knowledge import IndexedChunk, SourceType
from retrieval.language import Language, detect_language

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
        self._chunks: dict[int, IndexedChunk] = {}
        self._languages: dict[int, Language] = {}
        self._keys: dict[UUID, int] = {}
        self._document_keys: dict[UUID, set[int]] = {}
        self._parent_keys: dict[UUID, list[int]] = {}
        self._next_key = 0
        self._source_of_key = np.empty(0, dtype=np.int8)
        self._lock = Lock()
        self._applying = Lock()  # One revision after another; no question waits.

    def __len__(self) -> int:
        return len(self._chunks)

    def apply(
        self,
        upserted: Sequence[IndexedChunk] = (),
        deleted: Iterable[UUID] = (),
    ) -> None:
        """Take in one revision: first forget whole documents, then add or replace.

        A chunk replaces the one with its own id, so vectors may arrive later than words
        and in batches; the same words are not read again. To replace a document, name
        it in `deleted` as well. Applying the same revision again changes nothing.
        Raises DimensionMismatchError, and then nothing of the revision was applied.
        """
        # One id twice in a revision: the last word counts.
        wanted = {chunk.chunk_id: chunk for chunk in upserted}
        self._check_dimensions(wanted.values())
        with self._applying:
            staying = {
                self._keys[chunk.chunk_id]: chunk.vector
                for chunk in wanted.values()
                if self._is_known(chunk)
            }
            chunks = [chunk for chunk in wanted.values() if not self._is_known(chunk)]
            # Outside the other lock, as this takes most of the time.
            texts = [passage_text(chunk.title, chunk.text) for chunk in chunks]
            fitted = fit_texts(texts)
            languages = [detect_language(text) for text in texts]
            with self._lock:
                gone = {self._keys.get(chunk.chunk_id, -1) for chunk in chunks} - {-1}
                for document_id in deleted:
                    gone |= self._document_keys.get(document_id, set())
                self._forget(gone - staying.keys())
                self._add(chunks, languages, fitted)
                self._set_vectors(staying)

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
            eligible = self._eligible(wanted)
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

    def _eligible(self, wanted: SearchRequest) -> NDArray[np.bool_] | None:
        """Mark the keys that tags and documents leave; None is all of them."""
        if not wanted.tags and not wanted.documents:
            return None
        keys = (
            {
                key
                for document_id in wanted.documents
                for key in self._document_keys.get(document_id, ())
            }
            if wanted.documents
            else self._chunks.keys()
        )
        tags = frozenset(wanted.tags)
        eligible = np.zeros(self._next_key, dtype=np.bool_)
        for key in keys:
            eligible[key] = not tags or not tags.isdisjoint(self._chunks[key].tags)
        return eligible

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
            source = self._chunks[key].source
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
            codes = [_SOURCE_CODES[source] for source in wanted.sources]
            mask = np.isin(np.arange(len(SourceType)), codes)[self._source_of_key[keys]]
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
        return self._parent_keys[self._chunks[key].parent_id][0]

    def _members(self, unit: int, wanted: SearchRequest) -> Sequence[int]:
        if not wanted.by_parent:
            return (unit,)
        return self._parent_keys[self._chunks[unit].parent_id]

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
                self._chunks[winners[unit]],
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
        foreign = [key for key in cosines if language != self._languages[key]]
        return weigh_arms(wanted.dense_weight, cosines, bm25, foreign)

    def coverage(self, words: Sequence[str], chunk_id: UUID) -> float:
        """Tell how much of some folded words a chunk holds, 0 to 1."""
        with self._lock:
            key = self._keys.get(chunk_id)
            return 0.0 if key is None else self._sparse.coverage(words, key)

    def _is_known(self, chunk: IndexedChunk) -> bool:
        key = self._keys.get(chunk.chunk_id)
        return key is not None and self._chunks[key] == chunk

    def _check_dimensions(self, chunks: Iterable[IndexedChunk]) -> None:
        wanted = (self._dense[SourceType.MANUAL].dimensions,)
        for chunk in chunks:
            if chunk.vector is not None and chunk.vector.shape != wanted:
                raise DimensionMismatchError

    def _add(
        self,
        chunks: Sequence[IndexedChunk],
        languages: Sequence[Language],
        fitted: FittedTexts,
    ) -> None:
        keys = range(self._next_key, self._next_key + len(chunks))
        self._next_key += len(chunks)
        codes = [_SOURCE_CODES[chunk.source] for chunk in chunks]
        self._source_of_key = np.concatenate(
            [self._source_of_key, np.array(codes, dtype=np.int8)]
        )
        for key, chunk, language in zip(keys, chunks, languages, strict=True):
            # The dense index holds the vector now; a second copy would double memory.
            self._chunks[key] = replace(chunk, vector=None)
            self._keys[chunk.chunk_id] = key
            self._languages[key] = language
            self._document_keys.setdefault(chunk.document_id, set()).add(key)
            self._parent_keys.setdefault(chunk.parent_id, []).append(key)
        given = [chunk.vector for chunk in chunks]
        self._set_vectors(dict(zip(keys, given, strict=True)))
        self._sparse.add_fitted(keys, fitted)

    def _set_vectors(self, given: Mapping[int, NDArray[np.float32] | None]) -> None:
        vectors: dict[SourceType, dict[int, NDArray[np.float32]]] = {}
        for key, vector in given.items():
            if vector is None:
                self._dense[self._chunks[key].source].remove([key])
            else:
                vectors.setdefault(self._chunks[key].source, {})[key] = vector
        for source, by_key in vectors.items():
            self._dense[source].add([*by_key], np.stack([*by_key.values()]))

    def _forget(self, keys: Collection[int]) -> None:
        for key in keys:
            chunk = self._chunks.pop(key)
            del self._languages[key]
            del self._keys[chunk.chunk_id]
            self._dense[chunk.source].remove([key])
            others = self._document_keys[chunk.document_id]
            others.remove(key)
            if not others:
                del self._document_keys[chunk.document_id]
            siblings = self._parent_keys[chunk.parent_id]
            siblings.remove(key)
            if not siblings:
                del self._parent_keys[chunk.parent_id]
        self._sparse.remove(keys)


_SOURCE_CODES = {source: code for code, source in enumerate(SourceType)}
