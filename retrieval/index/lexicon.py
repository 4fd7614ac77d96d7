"""How often a tenant's knowledge holds each term, kept up to date edit by edit."""

import math
from collections import Counter
from collections.abc import Iterable

from retrieval.embedding.embedder import passage_text
from retrieval.index.knowledge import IndexedChunk
from retrieval.query.letters import latin_skeletons, persian_skeleton
from retrieval.query.terms import Term, read_terms

#: A term of no chunk weighs as one of a single chunk.
_RAREST = 1
_LONGEST_NAME = 60
_SHORTEST_NAME = 3


class Lexicon:
    """Counts, by the roots of their terms, the chunks that hold a word."""

    def __init__(self) -> None:
        self._holding: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self._naming: Counter[str] = Counter()
        self._latin: dict[str, set[str]] = {}
        self._persian: dict[str, set[str]] = {}
        self._chunks = 0

    def add(self, chunks: Iterable[IndexedChunk]) -> None:
        """Count chunks that came."""
        for chunk in chunks:
            self._count(chunk, 1)

    def remove(self, chunks: Iterable[IndexedChunk]) -> None:
        """Take chunks out again that were counted."""
        for chunk in chunks:
            self._count(chunk, -1)

    def _count(self, chunk: IndexedChunk, sign: int) -> None:
        terms = read_terms(passage_text(chunk.title, chunk.text))
        joined = read_terms(passage_text(chunk.title, chunk.text), joined=True)
        naming = read_terms(_names_of(chunk), joined=True)
        for counter, counted in (
            (self._words, {root for term in terms for root in term.roots}),
            (self._holding, {root for term in joined for root in term.roots}),
            (self._naming, {root for term in naming for root in term.roots}),
        ):
            for key in counted:
                counter[key] += sign
        self._chunks += sign
        for word in {term.word for term in terms}:
            if not word.isalpha() or len(word) < _SHORTEST_NAME:
                continue
            if word.isascii():
                for skeleton in latin_skeletons(word):
                    self._latin.setdefault(skeleton, set()).add(word)
        for word in {term.word for term in naming}:
            skeleton = persian_skeleton(word)
            if len(skeleton) >= _SHORTEST_NAME:
                self._persian.setdefault(skeleton, set()).add(word)

    def holds(self, word: str) -> bool:
        """Tell whether a chunk holds a form of a word, written as one."""
        return self._words.get(word, 0) > 0

    def names(self, term: Term) -> bool:
        """Tell whether a title, a heading or the name of a row or a line holds it."""
        return any(self._naming.get(root, 0) > 0 for root in term.roots)

    def other_script(self, term: Term) -> tuple[str, ...]:
        """List the words that sound the same in the other script: آیفون, iphone."""
        word = term.word
        if len(word) < _SHORTEST_NAME or not word.isalpha():
            return ()
        found = (
            {w for key in latin_skeletons(word) for w in self._persian.get(key, ())}
            if word.isascii()
            else self._latin.get(persian_skeleton(word), ())
        )
        return tuple(sorted(other for other in found if self._words.get(other, 0) > 0))

    def count(self, term: Term) -> int:
        """Count the chunks that hold a term or another form of it, about."""
        return max(self._holding.get(root, 0) for root in term.roots)

    def rarity(self, term: Term) -> float:
        """Weigh a term by its rarity: 1 for one chunk, near 0 for every chunk."""
        held = max(self.count(term), _RAREST)
        total = max(self._chunks, held)
        return math.log(1 + total / held) / math.log(1 + total)


def _names_of(chunk: IndexedChunk) -> str:
    block = chunk.block
    if block is None:
        return chunk.title
    head = block.cells[0].value if block.cells else block.text.partition(":")[0]
    is_name = bool(block.cells) or len(head) < min(len(block.text), _LONGEST_NAME)
    return "\n".join((chunk.title, *block.headings, head if is_name else ""))
