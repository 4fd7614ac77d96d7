"""The reranker with real models."""
