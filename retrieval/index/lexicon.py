"""How often a tenant's knowledge holds each term, kept up to date edit by edit."""

import math
from collections import Counter
from collections.abc import Iterable

from retrieval.query.terms import Term, read_terms

#: A term of no chunk weighs as one of a single chunk.
_RAREST = 1


class Lexicon:
    """Counts, by the roots of their terms, the chunks that hold a word."""

    def __init__(self) -> None:
        self._holding: Counter[str] = Counter()
        self._chunks = 0

    def add(self, texts: Iterable[str]) -> None:
        """Count chunks that came."""
        for text in texts:
            self._holding.update(_roots_of(text))
            self._chunks += 1

    def remove(self, texts: Iterable[str]) -> None:
        """Take chunks out again that were counted."""
        for text in texts:
            self._holding.subtract(_roots_of(text))
            self._chunks -= 1

    def holds(self, word: str) -> bool:
        """Tell whether a chunk holds a word as such, or a form of it."""
        return self._holding.get(word, 0) > 0

    def count(self, term: Term) -> int:
        """Count the chunks that hold a term or another form of it, about."""
        return max(self._holding.get(root, 0) for root in term.roots)

    def rarity(self, term: Term) -> float:
        """Weigh a term by its rarity: 1 for one chunk, near 0 for every chunk."""
        held = max(self.count(term), _RAREST)
        total = max(self._chunks, held)
        return math.log(1 + total / held) / math.log(1 + total)


def _roots_of(text: str) -> set[str]:
    terms = read_terms(text, joined=True)
    return {root for term in terms for root in term.roots}
