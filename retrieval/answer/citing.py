"""Hits and passages as the plain values that a retrieval returns."""

from retrieval.answer.context import Passage
from retrieval.answer.retrieved import RetrievedChunk, SourceUsed
from retrieval.index.hits import Hit


def source_used(passage: Passage) -> SourceUsed:
    """Name what `[number]` stands for."""
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
    """Write down a candidate with its scores."""
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
