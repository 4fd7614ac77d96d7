"""A tenant's chunks under the numbers that both indexes know them by."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from retrieval.index.knowledge import IndexedChunk, SourceType
from retrieval.text.language import Language

_CODES = {source: code for code, source in enumerate(SourceType)}


class ChunkTable:
    """Chunks by key. A key is given once: what is written anew has a new one."""

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
        """Tell under which keys the next chunks will be."""
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

    def forget(self, key: int) -> IndexedChunk:
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
        return chunk

    def find_eligible(
        self, tags: Collection[str], documents: Collection[UUID]
    ) -> NDArray[np.bool_] | None:
        """Mark the keys that tags and documents leave; None is all of them."""
        if not tags and not documents:
            return None
        keys = self.keys_of(documents) if documents else self.chunks.keys()
        wanted = frozenset(tags)
        eligible = np.zeros(self._next_key, dtype=np.bool_)
        for key in keys:
            eligible[key] = not wanted or not wanted.isdisjoint(self.chunks[key].tags)
        return eligible

    def mark_sources(
        self, keys: NDArray[np.int64], sources: Collection[SourceType]
    ) -> NDArray[np.bool_]:
        """Mark the keys whose chunks are of some sources."""
        codes = [_CODES[source] for source in sources]
        is_wanted = np.isin(np.arange(len(SourceType)), codes)
        marked: NDArray[np.bool_] = is_wanted[self._source_of_key[keys]]
        return marked
