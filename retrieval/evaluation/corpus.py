"""A labelled corpus as a tenant's knowledge: cut, embedded, indexed, asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import assert_never
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from retrieval.answer.context import RetrievedContext
from retrieval.context_retriever import ContextRetriever
from retrieval.documents.chunking import chunk_document
from retrieval.embedding.embedder import Embedder, passage_text
from retrieval.evaluation.labelled import LabelledPassage, LabelledQuestion
from retrieval.evaluation.report import Pipeline, Ranking
from retrieval.index.knowledge import (
    FusionOrder,
    IndexedChunk,
    SearchRequest,
    SourceType,
)
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import ProductionRAG, RagOptions
from retrieval.ranking.answerability import is_answerable

_TOP_K = 20
# Between two steps of a progress bar.
_CHUNKS_AT_ONCE = 16
# Sources and budgets as a usual prompt has them.
_OTHERS = tuple(source for source in SourceType if source != SourceType.FAQ)
_PLAIN_CONTEXTS = (SourceType.FAQ, _OTHERS, 800, 1200)
_DEFAULTS = RagOptions()


class Corpus:
    """Passages in an index, and the pipelines that search it.

    A passage is a document, cut into chunks as a tenant's would be. A ranking of chunks
    is a ranking of their documents, each at the place of its first chunk.
    """

    def __init__(self, passages: Sequence[LabelledPassage], embedder: Embedder) -> None:
        self._embedder = embedder
        self._names = {uuid5(NAMESPACE_OID, one.id): one.id for one in passages}
        self._chunks = [
            chunk for one in passages for chunk in _cut(one, embedder.count_tokens)
        ]
        self.index = KnowledgeIndex(embedder.dimensions)

    def embed(self) -> Iterator[float]:
        """Embed and index the chunks; yield the share that is done."""
        for start in range(0, len(self._chunks), _CHUNKS_AT_ONCE):
            batch = self._chunks[start : start + _CHUNKS_AT_ONCE]
            texts = [passage_text(chunk.title, chunk.text) for chunk in batch]
            vectors = self._embedder.embed_passages(texts)
            self.index.apply(
                [
                    replace(chunk, vector=vector)
                    for chunk, vector in zip(batch, vectors, strict=True)
                ]
            )
            yield (start + len(batch)) / len(self._chunks)

    def name_of(self, document_id: UUID) -> str:
        """Give a passage's id in the set by its document's id in the index."""
        return self._names[document_id]

    def ranker(
        self,
        pipeline: Pipeline,
        timer: Callable[[], float],
        options: RagOptions = _DEFAULTS,
    ) -> Callable[[LabelledQuestion], Ranking]:
        """Build the function that ranks the passages for a question."""
        match pipeline:
            case Pipeline.PRODUCTION_RAG:
                rag: ProductionRAG[None] = ProductionRAG(
                    lambda _: self.index, self._embedder, timer, options=lambda: options
                )
                rag.warm_up()
                return lambda question: self._ranking(
                    rag.retrieve_context(question.text, None, share=question.share)
                )
            case Pipeline.CONTEXT_RETRIEVER:
                plain: ContextRetriever[None] = ContextRetriever(
                    lambda _: self.index, self._embedder, timer
                )
                plain.warm_up()
                return lambda question: self._ranking(
                    plain.retrieve_context(question.text, None, *_PLAIN_CONTEXTS)
                )
            case Pipeline.DENSE:
                return lambda question: self._by_one_retriever(
                    question.text,
                    self._embedder.embed_queries([question.text])[0],
                    dense_top_k=_TOP_K,
                )
            case Pipeline.SPARSE:
                return lambda question: self._by_one_retriever(
                    question.text, None, sparse_top_k=_TOP_K
                )
            case _:
                assert_never(pipeline)

    def _by_one_retriever(
        self,
        text: str,
        vector: NDArray[np.float32] | None,
        *,
        dense_top_k: int = 0,
        sparse_top_k: int = 0,
    ) -> Ranking:
        found = self.index.find(
            SearchRequest(
                text,
                vector,
                tuple(SourceType),
                dense_top_k=dense_top_k,
                sparse_top_k=sparse_top_k,
                fused_top_k=_TOP_K,
                order=FusionOrder.RRF,
                by_parent=True,
            )
        )
        ids = [self._names[hit.chunk.document_id] for hit in found.hits]
        return Ranking(tuple(dict.fromkeys(ids)), is_answered=bool(ids))

    def _ranking(self, found: RetrievedContext) -> Ranking:
        ids = [self._names[UUID(chunk["document_id"])] for chunk in found["chunks"]]
        return Ranking(tuple(dict.fromkeys(ids)), is_answerable(found["relevance"]))


def _cut(
    passage: LabelledPassage, count_tokens: Callable[[str], int]
) -> Iterator[IndexedChunk]:
    document_id = uuid5(NAMESPACE_OID, passage.id)
    known = passage.source in {source.value for source in SourceType}
    source = SourceType(passage.source) if known else SourceType.MANUAL
    for parent in chunk_document(passage.title, passage.text, count_tokens):
        for chunk in parent.chunks:
            yield IndexedChunk(
                chunk_id=uuid5(document_id, f"chunk:{chunk.position}"),
                document_id=document_id,
                source=source,
                title=passage.title,
                text=chunk.text,
                parent_id=uuid5(document_id, f"parent:{parent.position}"),
                parent_text=parent.text,
                block=chunk.block,
            )
