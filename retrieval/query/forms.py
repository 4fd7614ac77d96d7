"""Builds the forms of a question that the dense and the sparse retriever search by."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from retrieval.index.bm25 import cross_word_ngrams, word_ngrams
from retrieval.query.colloquial import write_formally
from retrieval.query.lexicon import find_meanings, replace_by_canonical
from retrieval.text.language import Language, detect_language
from retrieval.text.normalise import normalise
from retrieval.text.stopwords import STOP_WORDS

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
    for_meaning: tuple[str, ...]
    """The texts whose vectors are averaged; one if nothing was rewritten."""

    for_words: Mapping[str, float]
    """Pieces of words with their weights."""


def build_forms(question: str) -> QueryForms:
    """Rewrite a question for both arms."""
    formal = write_formally(question)
    words = normalise(formal).split()
    meanings = find_meanings(words)
    written = replace_by_canonical(words, meanings)
    if detect_language(question) is Language.EN:
        # Of an English question, single words would become Persian ones.
        written = question
    for_meaning = [question]
    if normalise(written) != normalise(question):
        for_meaning.append(written)
    pieces: defaultdict[str, float] = defaultdict(float)
    asked = normalise(question).split()
    _add(pieces, asked, 1 - WRITTEN_WEIGHT)
    _add(pieces, words, WRITTEN_WEIGHT)
    for seam in _telling_seams(asked):
        pieces[seam] += SEAM_WEIGHT
    for meaning in meanings:
        weight = SYNONYM_WEIGHT / sqrt(len(meaning.others) or 1)
        for other in meaning.others:
            for piece in _pieces(other):
                pieces[piece] += weight
    others = dict.fromkeys(other for meaning in meanings for other in meaning.others)
    return QueryForms(question, written, (*others,), (*for_meaning,), pieces)


def _add(pieces: defaultdict[str, float], words: Iterable[str], weight: float) -> None:
    for word in words:
        for piece in word_ngrams(word):
            pieces[piece] += weight * (STOP_WORD_WEIGHT if word in STOP_WORDS else 1)


def _pieces(folded: str) -> list[str]:
    return [piece for word in folded.split() for piece in word_ngrams(word)]


def _telling_seams(words: Sequence[str]) -> list[str]:
    pairs = [pair for pair in pairwise(words) if not STOP_WORDS.issuperset(pair)]
    return [seam for pair in pairs for seam in cross_word_ngrams(pair)]
