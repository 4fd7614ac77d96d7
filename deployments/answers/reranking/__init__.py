"""The Reranker deployment: its replicas, their models, and the queue before them."""
