"""Words of a text as terms that match across endings, spelling and speech."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from retrieval.query.colloquial import write_formally
from retrieval.text.language import STOP_WORDS
from retrieval.text.normalise import normalise

_REMEMBERED_WORDS = 65_536
#: "140x200" is two numbers, "256گیگ" a number and its unit; "A35" stays one name.
_TOKEN = re.compile(r"[a-z]{1,12}\d+[a-z]*|\d+(?:\.\d+)?|[^\W\d_]+")
_SIZES = re.compile(r"(?<=\d)x(?=\d)")
_ENDINGS = (
    *("هایتان هایشان هایمان هایش هایی هایم هاتون هاشون هامون های ها".split()),
    *("ترین تر تون شون مون تان شان مان یی ای ام ات اش".split()),
    *("م ت ش ی و ه ا ن".split()),
)
_OWNERS = frozenset("ش م ت شون تون مون شان تان مان اش ام ات".split())
_VERB_PREFIXES = ("نمی", "می")
_PERSONS = ("ید", "ین", "یم", "ند", "م", "ی", "د", "ن", "ه")
_SHORTEST_ROOT = 3
_SHORTEST_OWNED = 2
_SHORTEST_VERB = 5
_SHORTEST_STEM = 1
#: Both words go on differently only after so many common letters, and most of both.
_SHORTEST_PREFIX = 4
_PREFIX_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Term:
    """A word as it is compared: itself, and what it is without its endings."""

    word: str
    roots: frozenset[str]

    @property
    def is_number(self) -> bool:
        """Tell whether it is a figure."""
        return self.word[0].isdigit()


class TermSet:
    """The terms of a text, for looking others up."""

    __slots__ = ("_roots", "_words", "terms")

    def __init__(self, terms: Iterable[Term]) -> None:
        self.terms = tuple(terms)
        self._words = frozenset(term.word for term in self.terms)
        self._roots = frozenset().union(*(term.roots for term in self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def match(self, term: Term) -> float:
        """Give how surely the text holds a term: 0 to 1.

        1 is the word itself or its base form, .9 the same base in two forms, .6 the same
        beginning.
        """
        if term.word in self._words or not term.roots.isdisjoint(self._words):
            return 1.0
        if term.word in self._roots:
            return 1.0
        if any(
            len(root) >= _SHORTEST_ROOT and root in self._roots for root in term.roots
        ):
            return 0.9
        if any(_share_beginning(term.word, word) for word in self._words):
            return 0.6
        return 0.0


def read_terms(text: str, *, joined: bool = False) -> list[Term]:
    """Read the terms of a text in their order, stop words left out.

    With `joined`, every two neighbours written as one are terms as well, behind the
    others: «دو نفره» is found by «دونفره».
    """
    words = read_words(text)
    terms = [make_term(word) for word in words if word not in STOP_WORDS]
    if joined:
        terms += [make_term(a + b) for a, b in zip(words, words[1:], strict=False)]
    return terms


def read_words(text: str) -> list[str]:
    """Split a text into folded words in written Persian."""
    folded = _SIZES.sub(" ", normalise(write_formally(text)))
    return _TOKEN.findall(folded)


@lru_cache(maxsize=_REMEMBERED_WORDS)
def make_term(word: str) -> Term:
    """Make the term of one folded word."""
    if word[0].isdigit() or word.isascii():
        stem = word.removesuffix("s") if len(word) > _SHORTEST_PREFIX else word
        return Term(word, frozenset({word, stem}))
    roots = {word, *_strip(word)}
    roots |= {shorter for root in tuple(roots) for shorter in _strip(root)}
    roots |= {*_verb_roots(word)}
    return Term(word, frozenset(roots))


def _strip(word: str) -> Iterator[str]:
    for ending in _ENDINGS:
        shortest = _SHORTEST_OWNED if ending in _OWNERS else _SHORTEST_ROOT
        if word.endswith(ending) and len(word) - len(ending) >= shortest:
            yield word.removesuffix(ending)


def _verb_roots(word: str) -> Iterator[str]:
    """Yield a verb's stem, marked as one: میفرستید and نمیفرستیم share «-فرست»."""
    for prefix in _VERB_PREFIXES:
        if word.startswith(prefix) and len(word) >= _SHORTEST_VERB:
            rest = word.removeprefix(prefix)
            yield f"-{rest}"
            for person in _PERSONS:
                if rest.endswith(person) and len(rest) - len(person) >= _SHORTEST_STEM:
                    yield f"-{rest.removesuffix(person)}"
            return


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _share_beginning(a: str, b: str) -> bool:
    if a[0] != b[0] or a[0].isdigit() or a.isascii() or b.isascii():
        return False
    length = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        length += 1
    longer = max(len(a), len(b))
    return length >= _SHORTEST_PREFIX and length >= _PREFIX_SHARE * longer
