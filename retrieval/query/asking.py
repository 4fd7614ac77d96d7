"""Reads questions: their terms with weights, and the kind of value asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from retrieval.index.lexicon import Lexicon
from retrieval.query.forms import find_meanings
from retrieval.query.glossary import is_english, read_name, read_phrases
from retrieval.query.kinds import (
    COMMON_WORDS,
    KIND_WEIGHTS,
    NOT_NOUNS,
    SAYING_LITTLE,
    VALUE_CLASSES,
    ValueKind,
    asks_barely,
    asks_until,
    compares,
    is_asking_verb,
    is_attribute_word,
    is_plain_kind,
    is_vague,
    kinds_of,
    read_excluded,
)
from retrieval.query.terms import (
    Term,
    TermSet,
    make_term,
    read_acts,
    read_terms,
    read_words,
)
from retrieval.query.vocabulary import Vocabulary
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
_ATTRIBUTE_WEIGHT = 0.7
_OF_AN_AMOUNT = ("تومانی", "تومنی", "ریالی")
_SCALES = ("هزار", "میلیون")
#: Kinds of value that things have, rather than the business.
_OF_THINGS = frozenset(
    {ValueKind.PRICE, ValueKind.PERCENT, ValueKind.DURATION, ValueKind.TIME}
)
_DIGIT_WORDS = {"1": "یک", "2": "دو", "3": "سه", "4": "چهار", "5": "پنج"}
#: Of a verb that the knowledge holds: it tells less than a thing.
_VERB_SHARE = 0.6
_UNKNOWN_COMMON_WEIGHT = 0.4
_NUMBER_WEIGHT = 0.8
#: Of a word that is in no chunk.
_UNKNOWN_WEIGHT = 1.0
_UNKNOWN_VERB_WEIGHT = 0.25


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
    #: A price that tells which thing is meant, and is not itself asked for.
    is_naming: bool = False
    classes: tuple[tuple[Term, ...], ...] = ()

    @property
    def is_kind(self) -> bool:
        """Tell whether the word merely says what kind of value is asked for."""
        return bool(self.kinds)

    @property
    def is_strange(self) -> bool:
        """Tell a word that neither the knowledge nor everyday language holds."""
        return not (self.is_known or self.is_common or self.is_verb)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, ready to be compared with facts."""

    text: str
    terms: tuple[AskedTerm, ...]
    kinds: frozenset[ValueKind]
    is_bare: bool = False
    #: "How much" may be of anything, "how many tomans" is a price.
    is_vague: bool = False
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


def read_question(text: str, lexicon: Lexicon) -> Asked:
    """Read a question's terms and the kinds of value that it asks for."""
    words = read_words(text)
    others = _others_of(words)
    excluded = read_excluded(words)
    terms = [
        (term, phrase)
        for term, phrase in _join_known(read_terms(text), words, lexicon)
        if term not in excluded
    ]
    asked = [_asked(term, phrase, others, lexicon) for term, phrase in terms]
    asked += [_asked(term, (), others, lexicon) for term in read_acts(words)]
    asked += _places(words)
    # «کیف ۹۸۰ هزار تومنی» names the bag by its price, and asks for another thing.
    naming = {
        after
        for before, after in pairwise(words)
        if after.endswith(_OF_AN_AMOUNT) and (before.isdigit() or before in _SCALES)
    }
    asked = [
        replace(term, is_naming=bool(naming) and term.term.is_number)
        for term in asked
        if term.term.word not in naming
    ]
    kinds = {kind for word in words if word not in naming for kind in kinds_of(word)}
    if asks_until(words):
        kinds.add(ValueKind.TIME)
    has_attribute = any(term.is_attribute for term in asked)
    is_bare = not kinds and not has_attribute and asks_barely(words)
    is_elliptic = (
        not kinds
        and not is_bare
        and len(terms) <= _MOST_ELLIPTIC
        and not any(term.is_property or term.is_attribute for term in asked)
        and not any(is_asking_verb(word) for word in words)
    )
    return Asked(
        text,
        tuple(asked),
        frozenset(kinds),
        is_bare,
        is_vague=is_bare and is_vague(text),
        is_elliptic=is_elliptic,
        is_comparing=compares(words),
        excluded=excluded,
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
    asked_kinds = frozenset(kind for word in words for kind in kinds_of(word))
    is_elliptic = not asked_kinds and len(asked) <= _MOST_ELLIPTIC_ENGLISH
    return Asked(text, tuple(asked), asked_kinds, is_elliptic=is_elliptic)


def _places(words: Sequence[str]) -> list[AskedTerm]:
    """Make terms of asking words that no text holds: "where" asks for an address."""
    asking = [word for word in words if word in STOP_WORDS and kinds_of(word)]
    return [
        AskedTerm(
            make_term(word),
            (),
            max(KIND_WEIGHTS[kind] for kind in kinds_of(word)),
            is_known=True,
            kinds=frozenset(kinds_of(word)),
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
    kinds = kinds_of(term.word) if is_plain_kind(term) else ()
    common = {
        kind
        for kind, listed in COMMON_WORDS.items()
        if not listed.isdisjoint({term.word, *term.roots})
    }
    is_attribute = is_attribute_word(term)
    is_verb = any(root.startswith("-") for root in term.roots) or "verb" in common
    is_plain_english = term.word.isascii() and is_english(term.word)
    if term.is_number:
        weight = _NUMBER_WEIGHT
    elif kinds:
        weight = max(KIND_WEIGHTS[kind] for kind in kinds)
    elif term.word in SAYING_LITTLE or is_plain_english:
        weight = _FUNCTION_WEIGHT
    elif is_known:
        weight = lexicon.rarity(term) * (_VERB_SHARE if is_verb else 1.0)
    else:
        weight = _weigh_unknown(is_verb=is_verb, is_common=bool(common))
    if is_attribute and is_known:
        # The property is what is asked, however many things have it.
        weight = max(weight, _ATTRIBUTE_WEIGHT)
    return AskedTerm(
        term,
        mine,
        weight,
        is_known,
        frozenset(kinds),
        is_name=lexicon.names(term),
        is_common=bool(common) or is_plain_english,
        is_verb=is_verb,
        is_noun=not is_verb
        and not common & NOT_NOUNS
        and not kinds
        and not is_plain_english,
        is_attribute=is_attribute,
        is_property="colour" in common and not is_attribute,
        classes=tuple(
            _phrase(normalise(phrase))
            for kind in sorted(common)
            for phrase in sorted(VALUE_CLASSES[kind])
        ),
    )


def _weigh_unknown(*, is_verb: bool, is_common: bool) -> float:
    if is_verb:
        return _UNKNOWN_VERB_WEIGHT
    return _UNKNOWN_COMMON_WEIGHT if is_common else _UNKNOWN_WEIGHT


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


def goes_on(asked: Asked) -> bool:
    """Tell a question that names nothing: "how much?", "and which is better?"."""
    has_names = any(
        term.is_known and term.is_noun and not term.is_attribute for term in asked.names
    )
    is_of_one_kind = len(asked.kinds) == 1 and asked.kinds <= _OF_THINGS
    return not has_names and (asked.is_comparing or asked.is_bare or is_of_one_kind)


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
