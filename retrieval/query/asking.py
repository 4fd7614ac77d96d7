"""What a question asks for: its terms with their weights, and the kind of value."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from retrieval.data.loading import load_groups
from retrieval.index.lexicon import Lexicon
from retrieval.query.forms import find_meanings
from retrieval.query.glossary import read_name, read_phrases
from retrieval.query.terms import (
    Term,
    TermSet,
    make_term,
    read_acts,
    read_terms,
    read_words,
)
from retrieval.query.vocabulary import KINDS, Vocabulary
from retrieval.text.language import STOP_WORDS
from retrieval.text.normalise import normalise

#: A synonym answers nearly as well as the word itself.
_SYNONYM = 0.8
#: The class of a value is a place to look, not the value itself.
_CLASS = 0.5
_FUNCTION_WEIGHT = 0.1
_MOST_ELLIPTIC = 4
_MOST_ELLIPTIC_ENGLISH = 2
_SPOKEN_BELOW = 1_000
_NOT = frozenset({"نه", "نباشد", "نباشه"})
_EXCEPT = frozenset({"جز", "بجز", "غیراز"})
_UNTIL = "تا"
_DIGIT_WORDS = {"1": "یک", "2": "دو", "3": "سه", "4": "چهار", "5": "پنج"}
#: Of a verb that the knowledge holds: it tells less than a thing.
_VERB_SHARE = 0.6
_UNKNOWN_COMMON_WEIGHT = 0.4
_NUMBER_WEIGHT = 0.8
#: Of a word that is in no chunk.
_UNKNOWN_WEIGHT = 1.0
_UNKNOWN_VERB_WEIGHT = 0.25


class ValueKind(StrEnum):
    """The kind of value that answers a question."""

    PRICE = "price"
    TIME = "time"
    DURATION = "duration"
    PERCENT = "percent"
    PHONE = "phone"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class AskedTerm:
    """A term of a question, what may stand for it, and how much it tells."""

    term: Term
    others: tuple[tuple[Term, ...], ...]
    weight: float
    is_known: bool
    #: The kinds of value that the word asks for and names nothing.
    kinds: frozenset[ValueKind] = frozenset()
    #: A title, a heading or the name of a row holds it: it tells which thing is meant.
    is_name: bool = False
    is_common: bool = False
    is_verb: bool = False
    is_noun: bool = False
    #: It names a property itself: "colour", "weight".
    is_attribute: bool = False
    #: A property that many things have, such as a colour: it names none of them.
    is_property: bool = False
    classes: tuple[tuple[Term, ...], ...] = ()

    @property
    def is_kind(self) -> bool:
        """Tell whether the word merely says what kind of value is asked for."""
        return bool(self.kinds)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, ready to be compared with facts."""

    text: str
    terms: tuple[AskedTerm, ...]
    kinds: frozenset[ValueKind]
    is_bare: bool = False
    #: "And in black?" has no verb of its own: the question before has it.
    is_elliptic: bool = False
    #: Several things are weighed against each other.
    is_comparing: bool = False
    #: What the customer does not mean: "not the Pro".
    excluded: tuple[Term, ...] = ()

    @property
    def names(self) -> tuple[AskedTerm, ...]:
        """List the terms that do not merely say what kind of value is asked for."""
        return tuple(term for term in self.terms if not term.is_kind)


_OF = "_of"
_GROUPS = (
    "bare",
    "verb",
    "compare",
    "attribute",
    *ValueKind,
    *(kind + _OF for kind in ValueKind),
)
_FOLDED = {
    group: frozenset(normalise(word) for word in words)
    for group, words in load_groups("value_kinds.tsv", _GROUPS).items()
}
_KIND_OF = {
    word: ValueKind(group.removesuffix(_OF))
    for group, words in _FOLDED.items()
    if group not in ("bare", "verb", "compare", "attribute")
    for word in words
}
_KIND_WEIGHTS = {
    ValueKind.PRICE: 0.3,
    ValueKind.TIME: 0.4,
    ValueKind.DURATION: 0.3,
    ValueKind.PERCENT: 0.4,
    ValueKind.PHONE: 0.8,
    ValueKind.PLACE: 1.0,
}
_BARE = _FOLDED["bare"]
_COMMON = {
    kind: frozenset(normalise(word) for word in words)
    for kind, words in load_groups("common_words.tsv", KINDS).items()
}
_SAYING_LITTLE = _COMMON["function"] | _COMMON["question"] | _COMMON["greeting"]
_NOT_NOUNS = frozenset({"function", "question", "greeting", "verb", "number", "unit"})
_CLASSES = load_groups("value_classes.tsv", KINDS)
_OPEN = _FOLDED["time_of"]
#: Words that ask for a kind and name nothing.
_PLAIN_KINDS = frozenset().union(*(_FOLDED[kind] for kind in ValueKind))


def read_question(text: str, lexicon: Lexicon) -> Asked:
    """Read a question's terms and the kinds of value that it asks for."""
    words = read_words(text)
    others = _others_of(words)
    excluded = _excluded(words)
    terms = [
        (term, phrase)
        for term, phrase in _join_known(read_terms(text), words, lexicon)
        if term not in excluded
    ]
    asked = [_asked(term, phrase, others, lexicon) for term, phrase in terms]
    asked += [_asked(term, (), others, lexicon) for term in read_acts(words)]
    asked += _places(words)
    kinds = {kind for word in words for kind in _kinds_of(word)}
    if _asks_until(words):
        kinds.add(ValueKind.TIME)
    is_bare = not kinds and _asks_barely(words)
    is_elliptic = (
        not kinds
        and not is_bare
        and len(terms) <= _MOST_ELLIPTIC
        and not any(term.is_property or term.is_attribute for term in asked)
        and not any(_is_verb(word) for word in words)
    )
    return Asked(
        text,
        tuple(asked),
        frozenset(kinds),
        is_bare,
        is_elliptic,
        is_comparing=_compares(words),
        excluded=excluded,
    )


def _compares(words: Sequence[str]) -> bool:
    return any(
        not _FOLDED["compare"].isdisjoint({word, *make_term(word).roots})
        for word in words
    )


def _excluded(words: Sequence[str]) -> tuple[Term, ...]:
    """Read "not the Pro": the word before a closing «نه», or behind «به جز»."""
    excluded = []
    for at, word in enumerate(words):
        if word in _NOT and at and (at + 1 == len(words)) and at > 1:
            excluded.append(make_term(words[at - 1]))
        if word in _EXCEPT and at + 1 < len(words):
            excluded.append(make_term(words[at + 1]))
    return tuple(excluded)


def _asks_until(words: Sequence[str]) -> bool:
    """Tell "until how much", said of the clock: «تا چند بازید؟»."""
    return any(
        a == _UNTIL
        and b in _BARE
        and (c in STOP_WORDS or _is_verb(c) or c in _OPEN or not c)
        for a, b, c in zip(words, words[1:], (*words[2:], ""), strict=False)
    )


def read_english_question(text: str, lexicon: Lexicon, vocabulary: Vocabulary) -> Asked:
    """Read an English question for Persian texts: each word by what may translate it.

    Names are read by their letters: Negin is نگین where the texts have it.
    """
    words = read_words(text)
    asked = []
    for english, entry in read_phrases(text):
        names = entry or tuple(read_name(english, vocabulary))
        phrases = tuple(_phrase(normalise(name)) for name in names)
        term = make_term(english.partition(" ")[0])
        plain = _asked(term, (), {}, lexicon)
        held = [
            min(lexicon.rarity(part) for part in phrase)
            for phrase in phrases
            if all(lexicon.count(part) for part in phrase)
        ]
        kinds = plain.kinds
        weight = plain.weight
        if not kinds and held:
            weight = max(held)
        asked.append(
            replace(
                plain,
                others=phrases,
                weight=weight,
                is_known=plain.is_known or bool(held),
            )
        )
    known = {term.term.word for term in asked}
    asked += [
        _asked(make_term(word), (), {}, lexicon)
        for word in words
        if not word.isalpha() and word not in known
    ]
    asked += _places(words)
    asked_kinds = frozenset(kind for word in words for kind in _kinds_of(word))
    is_elliptic = not asked_kinds and len(asked) <= _MOST_ELLIPTIC_ENGLISH
    return Asked(text, tuple(asked), asked_kinds, is_elliptic=is_elliptic)


def _is_verb(word: str) -> bool:
    return word in _FOLDED["verb"] or any(
        root.startswith("-") for root in make_term(word).roots
    )


def _kinds_of(word: str) -> set[ValueKind]:
    term = make_term(word)
    return {_KIND_OF[root] for root in (word, *term.roots) if root in _KIND_OF}


def _is_plain_kind(term: Term) -> bool:
    return not _PLAIN_KINDS.isdisjoint({term.word, *term.roots})


def _asks_barely(words: Sequence[str]) -> bool:
    """Tell whether "how much" stands there without what is to be counted."""
    for word, following in zip(words, (*words[1:], ""), strict=False):
        if word in _BARE and (following in STOP_WORDS or not following):
            return True
    return False


def _places(words: Sequence[str]) -> list[AskedTerm]:
    """Make terms of asking words that no text holds: "where" asks for an address."""
    asking = [word for word in words if word in STOP_WORDS and _kinds_of(word)]
    return [
        AskedTerm(
            make_term(word),
            (),
            max(_KIND_WEIGHTS[kind] for kind in _kinds_of(word)),
            is_known=True,
            kinds=frozenset(_kinds_of(word)),
        )
        for word in asking
    ]


def _join_known(
    terms: Sequence[Term], words: Sequence[str], lexicon: Lexicon
) -> list[tuple[Term, tuple[Term, ...]]]:
    """Write neighbours as one where the knowledge does: چهار مغز is چهارمغز.

    Each term comes with the phrase of its parts, empty for a single word.
    """
    found: list[tuple[Term, tuple[Term, ...]]] = []
    kept = {term.word for term in terms}
    at = 0
    while at < len(words):
        for length in (3, 2):
            parts = words[at : at + length]
            if len(parts) == length and parts[0] in _DIGIT_WORDS:
                parts = [_DIGIT_WORDS[parts[0]], *parts[1:]]
            if len(parts) < length or any(_is_foreign(part) for part in parts):
                continue
            if STOP_WORDS.issuperset(parts):
                continue
            term = make_term("".join(parts))
            if any(
                lexicon.holds(root)
                for root in term.roots
                if len(root) > len("".join(parts[:-1])) + 1
            ):
                found.append((term, tuple(map(make_term, parts))))
                at += length
                break
        else:
            if words[at] in kept:
                found.append((make_term(words[at]), ()))
            at += 1
    return found


def _is_foreign(word: str) -> bool:
    return word.isascii()


def _asked(
    term: Term,
    phrase: tuple[Term, ...],
    others: dict[str, tuple[tuple[Term, ...], ...]],
    lexicon: Lexicon,
) -> AskedTerm:
    mine = others.get(term.word, ())
    mine += tuple((make_term(word),) for word in lexicon.other_script(term))
    if phrase:
        mine = (phrase, *mine)
    is_known = bool(lexicon.count(term)) or any(
        all(lexicon.count(part) for part in one) for one in mine
    )
    if term.is_number and "." not in term.word and 0 < int(term.word) < _SPOKEN_BELOW:
        # «۴۹۵ تومن» is 495,000 today.
        mine += ((make_term(f"{term.word}000"),),)
    kinds = _kinds_of(term.word) if _is_plain_kind(term) else ()
    common = {
        kind
        for kind, listed in _COMMON.items()
        if not listed.isdisjoint({term.word, *term.roots})
    }
    is_attribute = not _FOLDED["attribute"].isdisjoint({term.word, *term.roots})
    is_verb = any(root.startswith("-") for root in term.roots) or "verb" in common
    if term.is_number:
        weight = _NUMBER_WEIGHT
    elif kinds:
        weight = max(_KIND_WEIGHTS[kind] for kind in kinds)
    elif term.word in _SAYING_LITTLE:
        weight = _FUNCTION_WEIGHT
    elif is_known:
        weight = lexicon.rarity(term) * (_VERB_SHARE if is_verb else 1.0)
    elif is_verb:
        weight = _UNKNOWN_VERB_WEIGHT
    else:
        weight = _UNKNOWN_COMMON_WEIGHT if common else _UNKNOWN_WEIGHT
    return AskedTerm(
        term,
        mine,
        weight,
        is_known,
        frozenset(kinds),
        is_name=lexicon.names(term),
        is_common=bool(common),
        is_verb=is_verb,
        is_noun=not is_verb and not common & _NOT_NOUNS and not kinds,
        is_attribute=is_attribute,
        is_property="colour" in common and not is_attribute,
        classes=tuple(
            _phrase(normalise(phrase))
            for kind in sorted(common)
            for phrase in sorted(_CLASSES[kind])
        ),
    )


@lru_cache(maxsize=1024)
def _phrase(text: str) -> tuple[Term, ...]:
    return tuple(map(make_term, text.split()))


def _others_of(words: Sequence[str]) -> dict[str, tuple[tuple[Term, ...], ...]]:
    """Map each word that has synonyms to those."""
    found: dict[str, tuple[tuple[Term, ...], ...]] = {}
    for meaning in find_meanings(words):
        phrases = tuple(_phrase(other) for other in (meaning.words, *meaning.others))
        for word in words[meaning.start : meaning.start + meaning.length]:
            found[word] = phrases
    return found


def match(asked: AskedTerm, held: TermSet) -> float:
    """Give how surely a text holds an asked term or a synonym of it: 0 to 1."""
    best = held.match(asked.term)
    for phrase in asked.others:
        if best >= _SYNONYM:
            break
        best = max(best, _SYNONYM * min(held.match(term) for term in phrase))
    for phrase in asked.classes:
        if best >= _CLASS:
            break
        best = max(best, _CLASS * min(held.match(term) for term in phrase))
    return best
