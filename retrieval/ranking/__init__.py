"""Order of hits: fusion, reranking, relevance."""
