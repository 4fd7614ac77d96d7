"""The Reranker deployment: its client, its replicas, and how a model is loaded."""
