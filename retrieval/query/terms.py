"""Words of a text as terms that match across endings, spelling and speech."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from retrieval.data.loading import load_rows
from retrieval.query.colloquial import write_formally
from retrieval.text.language import STOP_WORDS
from retrieval.text.normalise import normalise
from retrieval.text.numbers import NumberKind, read_numbers

_REMEMBERED_WORDS = 65_536
#: "140x200" is two numbers, "256گیگ" a number and its unit; "A35" stays one name.
_TOKEN = re.compile(r"[a-z]{1,12}\d+[a-z]*|\d+(?:\.\d+)?|[^\W\d_]+")
_SIZES = re.compile(r"(?<=\d)x(?=\d)")
_ENDINGS = (
    *(
        [
            "هایتان",
            "هایشان",
            "هایمان",
            "هایش",
            "هایی",
            "هایم",
            "هاتون",
            "هاشون",
            "هامون",
            "های",
            "ها",
        ]
    ),
    *(
        [
            "ترین",
            "تر",
            "تون",
            "شون",
            "مون",
            "تان",
            "شان",
            "مان",
            "یی",
            "ای",
            "ام",
            "ات",
            "اش",
        ]
    ),
    *(["م", "ت", "ش", "ی", "و", "ه", "ا", "ن", "شده", "ست"]),
)
_OWNERS = frozenset(
    ["ش", "م", "ت", "شون", "تون", "مون", "شان", "تان", "مان", "اش", "ام", "ات"]
)
#: Digits in a row need no reading; words and grouping marks do.
_MAY_COUNT = re.compile(
    r"[0-9۰-۹٠-٩][.٫'’,، ][0-9۰-۹٠-٩]{3}|(?<!\w)(?:هزار|میلیون|میلیارد|صد|دویست|سیصد"
    r"|چهارصد|پانصد|پونصد|ششصد|شیشصد|هفتصد|هشتصد|نهصد|بیست|سی|چهل|پنجاه|شصت|هفتاد"
    r"|هشتاد|نود|یازده|دوازده|سیزده|چهارده|پانزده|شانزده|هفده|هجده|نوزده|thousand"
    r"|million)(?:و|تا|تومان|تومن)?(?!\w)|[0-9۰-۹٠-٩](?:k|m|هزار|میلیون)(?!\w)",
    re.IGNORECASE,
)
_SPELLED = frozenset(
    {NumberKind.PLAIN, NumberKind.MONEY, NumberKind.COUNT, NumberKind.MEASURE}
    | {NumberKind.DURATION, NumberKind.PERCENT}
)
_LARGE = 1_000
_SMALL = 10
_SURE_PREFIXES = ("نمی", "می")
#: Many nouns begin with these letters: only before a listed stem they make a verb.
_UNSURE_PREFIXES = ("ب", "ن", "بی", "نی")
_VERB_PREFIXES = (*_SURE_PREFIXES, *_UNSURE_PREFIXES)
_PERSONS = ("ید", "ین", "یم", "ند", "م", "ی", "د", "ن", "ه", "هام", "هاید", "هاند")
_SHORTEST_ROOT = 3
_SHORTEST_OWNED = 2
_SHORTEST_VERB = 4
#: Words from the first part of a verb to its second: «پسش میشه بدم».
_VERB_REACH = 3
#: Both words go on differently only after so many common letters, and most of both.
_SHORTEST_PREFIX = 4
_PREFIX_SHARE = 0.7


def _load_stems() -> dict[str, tuple[str, ...]]:
    presents: dict[str, list[str]] = {}
    for past, present in load_rows("meaning/verb_stems.tsv", columns=2):
        presents.setdefault(normalise(past), []).append(normalise(present))
    return {past: (*stems,) for past, stems in presents.items()}


def _load_compounds() -> dict[str, list[tuple[str, str]]]:
    compounds: dict[str, list[tuple[str, str]]] = {}
    for first, stem, noun in load_rows("meaning/compound_verbs.tsv", columns=3):
        compounds.setdefault(normalise(first), []).append(
            (normalise(stem), normalise(noun))
        )
    return compounds


_PRESENT = _load_stems()
_PRESENTS = frozenset(stem for stems in _PRESENT.values() for stem in stems)
_COMPOUNDS = _load_compounds()
_CLASSIFIERS = frozenset(
    normalise(row[0]) for row in load_rows("numbers/classifiers.tsv")
)
_NAMING_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ["یک", "دو", "سه", "چهار", "پنج", "شش", "هفت", "هشت", "نه", "ده"], start=1
    )
}


@dataclass(frozen=True, slots=True)
class Term:
    """A word as it is compared: itself, and what it is without its endings."""

    word: str
    roots: frozenset[str]
    #: The roots that are long enough to be of one word only.
    long_roots: frozenset[str] = field(init=False)
    is_number: bool = field(init=False)

    def __post_init__(self) -> None:
        """Work the rest out once: terms are compared a thousand times."""
        long_roots = frozenset(r for r in self.roots if len(r) >= _SHORTEST_ROOT)
        object.__setattr__(self, "long_roots", long_roots)
        object.__setattr__(self, "is_number", self.word[0].isdigit())


class TermSet:
    """The terms of a text, for looking others up."""

    __slots__ = ("_beginnings", "_roots", "_words", "terms")

    def __init__(self, terms: Iterable[Term]) -> None:
        self.terms = tuple(terms)
        self._words = frozenset(term.word for term in self.terms)
        # Each word is a root of its own.
        self._roots = self._words.union(*[term.roots for term in self.terms])
        self._beginnings: dict[str, list[str]] = {}
        for word in self._words:
            if len(word) >= _SHORTEST_PREFIX:
                self._beginnings.setdefault(word[:_SHORTEST_PREFIX], []).append(word)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def match(self, term: Term) -> float:
        """Give how surely the text holds a term: 0 to 1.

        1 is the word itself or its base form, .9 the same base in two forms, .6 the
        same beginning.
        """
        # Nearly all are not held: one look tells.
        if not term.roots.isdisjoint(self._roots):
            if term.word in self._roots or not term.roots.isdisjoint(self._words):
                return 1.0
            if not term.long_roots.isdisjoint(self._roots):
                return 0.9
        for word in self._beginnings.get(term.word[:_SHORTEST_PREFIX], ()):
            if _share_beginning(term.word, word):
                return 0.6
        return 0.0


def read_terms(text: str, *, joined: bool = False) -> list[Term]:
    """Read the terms of a text in their order, stop words left out.

    A verb of two words is its noun as well: «پس می‌گیرید» asks for «مرجوعی». With
    `joined`, every two neighbours written as one are terms as well, behind the others:
    «دو نفره» is found by «دونفره».
    """
    words = read_words(text)
    terms = make_terms(words)
    return terms + join_neighbours(words) if joined else terms


def make_terms(words: Sequence[str]) -> list[Term]:
    """Make the terms of a text's words; see `read_terms`."""
    terms = [make_term(word) for word in words if word not in STOP_WORDS]
    return terms + read_acts(words)


def join_neighbours(words: Sequence[str]) -> list[Term]:
    """Make terms of every two neighbours, written as one."""
    return [make_term(a + b) for a, b in pairwise(words)]


def read_acts(words: Sequence[str]) -> list[Term]:
    """Read the nouns of two-word verbs, whose parts may stand a little apart."""
    acts = []
    for at, word in enumerate(words):
        for first in _first_parts(word):
            for following in words[at + 1 : at + _VERB_REACH]:
                roots = make_term(following).roots
                bare = {following.removesuffix(person) for person in _PERSONS}
                for stem, noun in _COMPOUNDS[first]:
                    if f"-{stem}" in roots or stem in bare:
                        acts.append(make_term(noun))
    return [*dict.fromkeys(acts)]


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _first_parts(word: str) -> tuple[str, ...]:
    """List the first parts of two-word verbs that a word may be."""
    spelled = {word, word.removesuffix("ش"), word.removesuffix("اش")}
    return (*(part for part in spelled if part in _COMPOUNDS),)


def read_words(text: str) -> list[str]:
    """Split a text into folded words in written Persian."""
    folded = _SIZES.sub(" ", normalise(write_formally(spell_numbers(text))))
    words = _TOKEN.findall(folded)
    return [
        _NAMING_NUMBERS.get(word, word) if before in _CLASSIFIERS else word
        for before, word in zip(("", *words), words, strict=False)
    ]


def spell_numbers(text: str) -> str:
    """Write large numbers, and those in words, as plain digits.

    By hand: «۱ میلیون و ۱۶۰ هزار» and `1.160.000` are 1160000. Small words such as «یک»
    stay: they are mostly no figures.
    """
    if _MAY_COUNT.search(text) is None:
        return text
    pieces, at = [], 0
    for number in read_numbers(text):
        value = number.value
        if number.kind not in _SPELLED or value != int(value):
            continue
        if value >= _LARGE or (number.is_in_words and value > _SMALL):
            pieces += [text[at : number.start], f" {int(value)} "]
            at = number.end
    return "".join((*pieces, text[at:]))


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
    """Yield a verb's present stem, marked as one.

    By hand: میفرستید, نمیفرستیم, بفرستید and فرستاده share «-فرست».
    """
    stripped = [word]
    for prefix in _VERB_PREFIXES:
        if word.startswith(prefix) and len(word) >= _SHORTEST_VERB:
            rest = word.removeprefix(prefix)
            stripped.append(rest)
            if prefix not in _UNSURE_PREFIXES:
                yield f"-{rest}"
    for base in stripped:
        for person in ("", *_PERSONS):
            stem = base.removesuffix(person) if person else base
            if stem == base and person:
                continue
            yield from (f"-{present}" for present in _PRESENT.get(stem, ()))
            if (base is not word and stem and stem in _PRESENTS) or (
                base is not word and len(stem) > 1 and word.startswith(_SURE_PREFIXES)
            ):
                yield f"-{stem}"


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
