"""The knowledge of a shop: documents, a try-out of the search, proofs of answers."""
