"""A labelled corpus as a tenant's knowledge: cut, embedded, indexed, asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import assert_never
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from retrieval.answer.retrieved import RetrievedContext
from retrieval.context_retriever import ContextRetriever
from retrieval.embedding.embedder import Embedder, passage_text
from retrieval.evaluation.labelled import LabelledPassage, LabelledQuestion
from retrieval.evaluation.report import Pipeline, Ranking
from retrieval.index.hits import FusionOrder, SearchRequest
from retrieval.index.knowledge import IndexedChunk, SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import ProductionRAG, RagOptions
from retrieval.ranking.answerability import is_answerable
from retrieval.text.chunking import chunk_document

_TOP_K = 20
# Between two steps of a progress bar.
_CHUNKS_AT_ONCE = 16
_PRIMARY = SourceType.FAQ
_SECONDARY = tuple(source for source in SourceType if source != _PRIMARY)
_PRIMARY_BUDGET_TOKENS = 800
_SECONDARY_BUDGET_TOKENS = 1200
_DEFAULTS = RagOptions()


class Corpus:
    """Passages in an index, and the pipelines that search it.

    A passage is a document, cut into chunks as a tenant's would be. A ranking of chunks
    is a ranking of their documents, each at the place of its first chunk.
    """

    def __init__(self, passages: Sequence[LabelledPassage], embedder: Embedder) -> None:
        self._embedder = embedder
        self._names = {_document_id(one.id): one.id for one in passages}
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
                return lambda question: self._by_production_rag(rag, question)
            case Pipeline.CONTEXT_RETRIEVER:
                plain: ContextRetriever[None] = ContextRetriever(
                    lambda _: self.index, self._embedder, timer
                )
                plain.warm_up()
                return lambda question: self._by_retriever(plain, question)
            case Pipeline.DENSE:
                return self._by_meaning
            case Pipeline.SPARSE:
                return self._by_words
            case _:
                assert_never(pipeline)

    def _by_production_rag(
        self, rag: ProductionRAG[None], question: LabelledQuestion
    ) -> Ranking:
        return self._ranking(
            rag.retrieve_context(question.text, None, share=question.share)
        )

    def _by_retriever(
        self, plain: ContextRetriever[None], question: LabelledQuestion
    ) -> Ranking:
        return self._ranking(
            plain.retrieve_context(
                question.text,
                None,
                _PRIMARY,
                _SECONDARY,
                _PRIMARY_BUDGET_TOKENS,
                _SECONDARY_BUDGET_TOKENS,
            )
        )

    def _by_meaning(self, question: LabelledQuestion) -> Ranking:
        vector = self._embedder.embed_queries([question.text])[0]
        return self._by_one_retriever(question.text, vector, dense_top_k=_TOP_K)

    def _by_words(self, question: LabelledQuestion) -> Ranking:
        return self._by_one_retriever(question.text, None, sparse_top_k=_TOP_K)

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


def _document_id(name: str) -> UUID:
    return uuid5(NAMESPACE_OID, name)


def _cut(
    passage: LabelledPassage, count_tokens: Callable[[str], int]
) -> Iterator[IndexedChunk]:
    document_id = _document_id(passage.id)
    known = passage.source in {source.value for source in SourceType}
    source = SourceType(passage.source) if known else SourceType.MANUAL
    for parent in chunk_document(passage.title, passage.text, count_tokens):
        for child in parent.children:
            yield IndexedChunk(
                chunk_id=uuid5(document_id, f"chunk:{child.position}"),
                document_id=document_id,
                source=source,
                title=passage.title,
                text=child.text,
                parent_id=uuid5(document_id, f"parent:{parent.position}"),
                parent_text=parent.text,
            )
