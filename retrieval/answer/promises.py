"""Promises of an answer that no source gives."""

import re
from collections.abc import Iterable, Iterator

from retrieval.answer.sayings import PROMISE_PATTERNS, fold_sentence, is_marked
from retrieval.text.sentences import split_sentences

#: They promise nothing where the sentence does not say what will be done: «حتما!».
_OF_THE_FUTURE = frozenset(("surely", "soon"))
_CLAUSE = re.compile(r"[؛;،,]|(?<!\S)(?:اما|ولی|but)(?!\S)")


def find_promises(text: str, sources: Iterable[str]) -> list[str]:
    """List the promising words of a text that no source supports.

    A clause of a source that denies the same («تخفیف نداریم») is no source for giving
    it. A sentence that says that something is not known promises nothing.
    """
    known = [
        (clause, is_marked("negation", clause))
        for source in sources
        for clause in _clauses(source)
    ]
    found: list[str] = []
    for sentence in split_sentences(text):
        if is_marked("unknown", fold_sentence(sentence)):
            continue
        is_future = is_marked("future", fold_sentence(sentence))
        for clause in _clauses(sentence):
            is_denied = is_marked("negation", clause)
            for promise, pattern in PROMISE_PATTERNS.items():
                match = pattern.search(clause)
                if match is None or (promise in _OF_THE_FUTURE and not is_future):
                    continue
                if not any(
                    pattern.search(other) and (is_denied or not other_denies)
                    for other, other_denies in known
                ):
                    found.append(match[0])
    return list(dict.fromkeys(found))


def _clauses(text: str) -> Iterator[str]:
    for sentence in split_sentences(text):
        for clause in _CLAUSE.split(sentence):
            folded = fold_sentence(clause)
            if folded:
                yield folded
