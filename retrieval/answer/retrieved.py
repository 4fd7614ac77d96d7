"""What a retrieval returns: plain values, ready for JSON."""

from typing import NotRequired, TypedDict


class SourceUsed(TypedDict):
    """What `[number]` in a context stands for."""

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
    """What was understood of a question before anything was searched."""

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
    """Times in milliseconds, counts of candidates, and what did not work."""

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
