"""Understands dialogues: what a customer's burst does, and what it asks."""

from retrieval.dialogue.acts import HANDED_OVER, Act, Spoken, Talk, read_burst

__all__ = ["HANDED_OVER", "Act", "Spoken", "Talk", "read_burst"]
