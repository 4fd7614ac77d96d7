"""The result of a retrieval: plain values, ready for JSON."""

from typing import NotRequired, TypedDict

from retrieval.answer.context import Passage
from retrieval.index.hits import Hit


class SourceUsed(TypedDict):
    """The source that `[number]` in a context stands for."""

    number: int
    chunk_id: str
    document_id: str
    source: str
    title: str
    url: str | None


class RetrievedChunk(TypedDict):
    """A candidate, in ranked order, with the scores that put it there."""

    chunk_id: str
    document_id: str
    source: str
    title: str
    url: str | None
    text: str
    parent_text: str
    score: float
    rrf_score: float
    dense_rank: int | None
    dense_similarity: float | None
    sparse_rank: int | None
    sparse_score: float | None
    #: Only where a cross-encoder has judged it.
    rerank_score: NotRequired[float]


class QueryAnalysis(TypedDict):
    """The analysis of a question before the search."""

    language: str
    complexity: float
    intent: str
    written_form: str
    synonyms: list[str]
    primary_source: str
    secondary_sources: list[str]
    primary_budget: int
    secondary_budget: int


class Performance(TypedDict):
    """Times in milliseconds, counts of candidates, and the parts that failed."""

    latency_ms: float
    embedding_ms: float
    search_ms: float
    context_ms: float
    reranking_used: bool
    query_complexity: float
    dense_candidates: int
    sparse_candidates: int
    fused_candidates: int
    degraded: dict[str, str]
    #: Only where a cross-encoder was asked.
    reranking_ms: NotRequired[float]
    rerank_model: NotRequired[str]
    #: Only by ProductionRAG. Why no cross-encoder was asked; empty where one was.
    rerank_skipped: NotRequired[str]
    analysis_ms: NotRequired[float]
    reranked_candidates: NotRequired[int]


class RetrievedContext(TypedDict):
    """The outcome of a retrieval; plain values, ready for JSON."""

    primary_context: str
    secondary_context: str
    sources_used: list[SourceUsed]
    total_chunks: int
    retrieval_method: str
    performance: Performance
    chunks: list[RetrievedChunk]
    relevance: float
    #: The question, with the caption of a shared post if that found more.
    searched_text: NotRequired[str]
    #: Only by ProductionRAG.
    analysis: NotRequired[QueryAnalysis]


def source_used(passage: Passage) -> SourceUsed:
    """Describe the source that `[number]` stands for."""
    chunk = passage.chunk
    return SourceUsed(
        number=passage.number,
        chunk_id=str(chunk.chunk_id),
        document_id=str(chunk.document_id),
        source=chunk.source.value,
        title=chunk.title,
        url=chunk.url,
    )


def retrieved_chunk(hit: Hit, rerank_score: float | None = None) -> RetrievedChunk:
    """Describe a candidate with its scores."""
    chunk = hit.chunk
    retrieved = RetrievedChunk(
        chunk_id=str(chunk.chunk_id),
        document_id=str(chunk.document_id),
        source=chunk.source.value,
        title=chunk.title,
        url=chunk.url,
        text=chunk.text,
        parent_text=chunk.parent_text,
        score=hit.score,
        rrf_score=hit.rrf_score,
        dense_rank=hit.dense_rank,
        dense_similarity=hit.dense_score,
        sparse_rank=hit.sparse_rank,
        sparse_score=hit.sparse_score,
    )
    if rerank_score is not None:
        retrieved["rerank_score"] = rerank_score
    return retrieved
