"""Stop words: they build a question and say nothing about its subject."""

from retrieval.data.loading import load_groups
from retrieval.text.normalise import normalise

STOP_WORDS = frozenset().union(*load_groups("stop_words.tsv", ("fa", "en")).values())


def content_words(question: str) -> list[str]:
    """Fold a question and keep the words that tell what it is about."""
    return [word for word in normalise(question).split() if word not in STOP_WORDS]
