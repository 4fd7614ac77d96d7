"""How often a tenant's knowledge holds each term, kept up to date edit by edit."""

import math
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from retrieval.embedding.embedder import passage_text
from retrieval.index.knowledge import IndexedChunk
from retrieval.query.letters import latin_skeletons, persian_skeleton
from retrieval.query.terms import (
    Term,
    join_neighbours,
    make_terms,
    read_terms,
    read_words,
)

#: A term of no chunk weighs as one of a single chunk.
_RAREST = 1
_LONGEST_NAME = 60
_SHORTEST_NAME = 3
#: Chunks of one document have the same title and often the same headings.
_REMEMBERED_NAMES = 1_024


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
        words = read_words(passage_text(chunk.title, chunk.text))
        terms = make_terms(words)
        naming = _read_names(_names_of(chunk))
        roots = _roots_of(terms)
        _tally(self._words, roots, sign)
        _tally(self._holding, roots | _roots_of(join_neighbours(words)), sign)
        _tally(self._naming, _roots_of(naming), sign)
        self._chunks += sign
        for word in {term.word for term in terms}:
            if word.isascii() and word.isalpha() and len(word) >= _SHORTEST_NAME:
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
        # Copied at once: an edit may add to these sets meanwhile.
        found = (
            {w for key in latin_skeletons(word) for w in (*self._persian.get(key, ()),)}
            if word.isascii()
            else (*self._latin.get(persian_skeleton(word), ()),)
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


def _roots_of(terms: Iterable[Term]) -> set[str]:
    return set[str]().union(*(term.roots for term in terms))


def _tally(counter: Counter[str], roots: set[str], sign: int) -> None:
    if sign > 0:
        # Counted in C: this is half of what a chunk costs otherwise.
        counter.update(roots)
    else:
        counter.subtract(roots)


@lru_cache(maxsize=_REMEMBERED_NAMES)
def _read_names(names: str) -> tuple[Term, ...]:
    return (*read_terms(names, joined=True),)


def _names_of(chunk: IndexedChunk) -> str:
    block = chunk.block
    if block is None:
        return chunk.title
    head = block.cells[0].value if block.cells else block.text.partition(":")[0]
    is_name = bool(block.cells) or len(head) < min(len(block.text), _LONGEST_NAME)
    return "\n".join((chunk.title, *block.headings, head if is_name else ""))
