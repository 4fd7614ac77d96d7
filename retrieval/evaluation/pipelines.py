"""The names of what can be evaluated."""

from enum import StrEnum


class Pipeline(StrEnum):
    """What can be evaluated."""

    PRODUCTION_RAG = "production_rag"
    CONTEXT_RETRIEVER = "context_retriever"
    DENSE = "dense"
    SPARSE = "sparse"
