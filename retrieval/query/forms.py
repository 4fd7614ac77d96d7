"""Builds the forms of a question that the dense and the sparse retriever search by."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import sqrt

from rapidfuzz.distance import OSA

from retrieval.data.loading import load_rows
from retrieval.index.bm25 import cross_word_ngrams, with_figures, word_ngrams
from retrieval.query.colloquial import WORDS, write_formally
from retrieval.text.language import STOP_WORDS, Language, detect_language, drop_links
from retrieval.text.normalise import normalise, shorten_question

# "How", "please" and "I want" are rare in a shop of sixty pages: BM25 finds that they
# tell much; from general Persian it is known that they do not.
STOP_WORD_WEIGHT = 0.5
# The question as it was said weighs as much as in written Persian.
WRITTEN_WEIGHT = 0.5
# All synonyms of one word together weigh this times the root of their number.
SYNONYM_WEIGHT = 0.6
# Two words that follow each other say more than the two apart; measured on long
# passages: +1.2 of hit@1, and nothing lost on a shop's short ones.
SEAM_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class QueryForms:
    """A question, rewritten for the search alone; people see what they wrote."""

    spoken: str
    written: str
    """In written Persian and with the words that documents use most."""

    synonyms: tuple[str, ...]
    dense_texts: tuple[str, ...]
    """The texts whose vectors are averaged; one if nothing was rewritten."""

    sparse_weights: Mapping[str, float]
    """Pieces of words with their weights."""


def build_forms(question: str) -> QueryForms:
    """Rewrite a question for both retrievers."""
    formal = write_formally(question)
    words = normalise(formal).split()
    meanings = find_meanings(words)
    written = replace_by_canonical(words, meanings)
    if detect_language(question) is Language.EN:
        # Of an English question, single words would become Persian ones.
        written = question
    dense_texts = [question]
    if normalise(written) != normalise(question):
        dense_texts.append(written)
    pieces: defaultdict[str, float] = defaultdict(float)
    asked = normalise(question).split()
    _add(pieces, with_figures(asked, question), 1 - WRITTEN_WEIGHT)
    _add(pieces, with_figures(words, question), WRITTEN_WEIGHT)
    for seam in _telling_seams(asked):
        pieces[seam] += SEAM_WEIGHT
    for meaning in meanings:
        weight = SYNONYM_WEIGHT / sqrt(len(meaning.others) or 1)
        for other in meaning.others:
            for piece in _pieces(other):
                pieces[piece] += weight
    others = dict.fromkeys(other for meaning in meanings for other in meaning.others)
    return QueryForms(question, written, (*others,), (*dense_texts,), pieces)


def _add(pieces: defaultdict[str, float], words: Iterable[str], weight: float) -> None:
    for word in words:
        for piece in word_ngrams(word):
            pieces[piece] += weight * (STOP_WORD_WEIGHT if word in STOP_WORDS else 1)


def _pieces(folded: str) -> list[str]:
    return [piece for word in folded.split() for piece in word_ngrams(word)]


def _telling_seams(words: Sequence[str]) -> list[str]:
    pairs = [pair for pair in pairwise(words) if not STOP_WORDS.issuperset(pair)]
    return [seam for pair in pairs for seam in cross_word_ngrams(pair)]


def to_search_text(question: str) -> str:
    """Leave of a question what it asks: no link beside it, and both ends of a long one.

    A link is full of words that nobody asked about: the shop's own name would find the
    page of its telephone number. One that stands alone is all there is to go by.
    """
    asked = drop_links(question)
    has_words = any(character.isalnum() for character in asked)
    return shorten_question(asked.strip() if has_words else question)


_LONGEST_PHRASE = 3
_SHORTEST_STEM = 3
_SHORTEST_MISTYPED = 5
# People use few words; each is asked for up to three times in a question.
_REMEMBERED_WORDS = 8_192
# Plural, possession, indefiniteness, copula, object: longest first, as they pile up.
_ENDINGS_BY_LENGTH = """
    هایتان هایشان هایمان هایی هایم هاتون هاشون هامون های ها تون شون مون تان شان مان یی
    ام ات اش م ت ش ی و ه ا ن
"""
_ENDINGS = (*_ENDINGS_BY_LENGTH.split(),)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A run of a question's words that has synonyms."""

    start: int
    length: int
    words: str
    """The synonym as it is listed."""

    others: tuple[str, ...]
    """Every other listed Persian word for it, over all its entries."""

    canonical: str
    """The word that documents use most for the same; itself if there is no such."""


def find_meanings(words: Sequence[str]) -> tuple[Meaning, ...]:
    """Look up folded words, longest phrases first; none overlaps another."""
    meanings = []
    start = 0
    while start < len(words):
        meaning = _longest_at(words, start)
        if meaning is None:
            start += 1
        else:
            meanings.append(meaning)
            start += meaning.length
    return tuple(meanings)


def replace_by_canonical(words: Sequence[str], meanings: Sequence[Meaning]) -> str:
    """Say it with the words that documents use most.

    By hand: `گارانتی` is listed after `ضمانت`, so it becomes `ضمانت`.
    """
    said = list(words)
    for meaning in reversed(meanings):
        end = meaning.start + meaning.length
        if meaning.words != meaning.canonical:
            said[meaning.start : end] = [meaning.canonical]
    return " ".join(said)


def _longest_at(words: Sequence[str], start: int) -> Meaning | None:
    for length in range(min(_LONGEST_PHRASE, len(words) - start), 0, -1):
        *first, last = words[start : start + length]
        for stem in _stems_of(last):
            phrase = " ".join((*first, stem))
            others = _OTHERS.get(phrase)
            if others is not None:
                canonical = _CANONICAL.get(phrase, phrase)
                return Meaning(start, length, phrase, others, canonical)
    return None


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _stems_of(word: str) -> tuple[str, ...]:
    """List what a word may be: itself, without an ending, without a typing error."""
    if word in STOP_WORDS or word in _WHOLE_WORDS:
        # وقتی is "when" and nothing of وقت, اصلا nothing of اصل.
        return (word,)
    stems = [word, *_stems(word)]
    return (*stems, *(near for stem in stems for near in near_words(stem, _LONG_WORDS)))


def _stems(word: str) -> Iterator[str]:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            yield word.removesuffix(ending)


def near_words(word: str, known: Iterable[str]) -> list[str]:
    """Find the known words one typing error away: a letter more, less or swapped.

    In alphabetical order; none for a short word, of which one letter more or less makes
    another word. By hand: `ارسلا` is `ارسال` with two letters swapped.
    """
    if len(word) < _SHORTEST_MISTYPED:
        return []
    return sorted(w for w in known if OSA.distance(word, w, score_cutoff=1) <= 1)


def _fold(entry: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(normalise(word) for word in entry))


def _collect_others() -> dict[str, tuple[str, ...]]:
    others: dict[str, dict[str, None]] = {}
    for entry in (*_SAME, *_RELATED):
        for word in entry:
            # English words are understood and never looked for: in English texts they
            # would meet the question's own, in Persian ones they are not there.
            others.setdefault(word, {}).update(
                (other, None)
                for other in entry
                if other != word and not other.isascii()
            )
    return {word: (*rest,) for word, rest in others.items()}


_SAME = tuple(map(_fold, load_rows("meaning/synonyms.tsv")))
_RELATED = tuple(map(_fold, load_rows("meaning/related.tsv")))
_OTHERS = _collect_others()
_CANONICAL = {word: entry[0] for entry in _SAME for word in entry}
_WHOLE_WORDS = frozenset(normalise(" ".join(WORDS)).split())
_LONG_WORDS = [
    word for word in _OTHERS if len(word) >= _SHORTEST_MISTYPED and " " not in word
]
