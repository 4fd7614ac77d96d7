"""Promises of an answer that no source gives."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from retrieval.answer.sayings import (
    PROMISE_PATTERNS,
    SUPPORT_PATTERNS,
    fold_sentence,
    is_marked,
)
from retrieval.text.numbers import read_numbers
from retrieval.text.sentences import split_sentences

#: They promise nothing where the sentence does not say what will be done: «حتما!».
_OF_THE_FUTURE = frozenset(("surely", "tomorrow", "today", "weekday"))
_CLAUSE = re.compile(r"[؛;،,]|(?<!\S)(?:اما|ولی|but)(?!\S)")


@dataclass(frozen=True, slots=True)
class _Clause:
    """A folded clause, whether it denies, and the figures of its condition."""

    words: str
    is_denied: bool
    conditions: frozenset[Decimal]


def find_promises(text: str, sources: Iterable[str]) -> list[str]:
    """List the promising words of a text that no source supports.

    A clause of a source that denies the same («تخفیف نداریم») is no source for giving
    it, nor is one with a condition («بالای ۲ میلیون تومان») where the text names none
    of its figures. A sentence that says that something is not known promises nothing.
    """
    known = [clause for source in sources for clause in _clauses(source)]
    figures = _figures(text)
    found: list[str] = []
    for sentence in split_sentences(text):
        folded = fold_sentence(sentence)
        if is_marked("unknown", folded):
            continue
        is_future = is_marked("future", folded)
        for clause in _clauses(sentence):
            for promise, pattern in PROMISE_PATTERNS.items():
                match = pattern.search(clause.words)
                if match is None or (promise in _OF_THE_FUTURE and not is_future):
                    continue
                support = SUPPORT_PATTERNS[promise]
                held = [other for other in known if support.search(other.words)]
                if not any(_supports(other, clause, figures) for other in held):
                    found.append(match[0])
    return list(dict.fromkeys(found))


def _supports(known: _Clause, said: _Clause, figures: frozenset[Decimal]) -> bool:
    if said.is_denied:
        return True
    is_met = not known.conditions or not known.conditions.isdisjoint(figures)
    return is_met and not known.is_denied


def _clauses(text: str) -> Iterator[_Clause]:
    for sentence in split_sentences(text):
        has_condition = is_marked("condition", fold_sentence(sentence))
        conditions = _figures(sentence) if has_condition else frozenset[Decimal]()
        for part in _CLAUSE.split(sentence):
            words = fold_sentence(part)
            if words:
                yield _Clause(words, is_marked("negation", words), conditions)


def _figures(text: str) -> frozenset[Decimal]:
    return frozenset(
        value
        for number in read_numbers(text)
        for value in (number.value, *number.others)
    )
