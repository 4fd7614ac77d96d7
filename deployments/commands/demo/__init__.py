"""The demo shop: its documents, questions and seed."""
