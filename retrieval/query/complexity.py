"""How much a question asks at once, from its form alone."""

import re

from retrieval.text.stopwords import content_words

# A question of this many content words, or of this many clauses, is as hard as it gets.
_MANY_WORDS = 12
_MANY_CLAUSES = 4
_CLAUSE = re.compile(r"[؟?!.؛;\n،,]+|\bو\b|\band\b|\bor\b|\bیا\b", re.IGNORECASE)


def query_complexity(question: str) -> float:
    """Rate a question: 0 asks nothing, 1 asks many things at length.

    Half by the content words, half by the clauses beyond the first. By hand: three
    content words in one clause are 0.5 * 3 / 12 = 0.125.
    """
    words = len(content_words(question))
    clauses = sum(bool(content_words(part)) for part in _CLAUSE.split(question))
    by_words = min(words / _MANY_WORDS, 1.0)
    by_clauses = min(max(clauses - 1, 0) / (_MANY_CLAUSES - 1), 1.0)
    return 0.5 * by_words + 0.5 * by_clauses
