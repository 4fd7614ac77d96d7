"""What a retrieval did, as one line of the log: written while a flag asks for it."""

import structlog

from persistence.ids import ConversationId, TenantId
from retrieval.answer.retrieved import RetrievedContext

log = structlog.get_logger("retriever")


def log_retrieval(
    tenant_id: TenantId,
    conversation_id: ConversationId | None,
    query: str,
    found: RetrievedContext,
) -> None:
    """Write down a question and all its candidates, by their ids and titles."""
    log.info(
        "retrieval",
        tenant_id=str(tenant_id),
        conversation_id=None if conversation_id is None else str(conversation_id),
        query=query,
        method=found["retrieval_method"],
        relevance=found["relevance"],
        analysis=found.get("analysis"),
        performance=found["performance"],
        sources_used=[used["chunk_id"] for used in found["sources_used"]],
        candidates=[
            {
                "chunk_id": chunk["chunk_id"],
                "title": chunk["title"],
                "score": chunk["score"],
                "rrf_score": chunk["rrf_score"],
                "dense_rank": chunk["dense_rank"],
                "dense_similarity": chunk["dense_similarity"],
                "sparse_rank": chunk["sparse_rank"],
                "sparse_score": chunk["sparse_score"],
                "rerank_score": chunk.get("rerank_score"),
            }
            for chunk in found["chunks"]
        ],
    )
