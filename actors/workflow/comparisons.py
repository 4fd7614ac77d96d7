"""Comparisons of texts by what they say, whatever keyboard they were typed on."""

from collections.abc import Iterable, Sequence

from actors.workflow.definition import Operator
from retrieval.text.normalise import normalise, normalise_mildly

#: Words of the longest keyword that is found with its words joined or parted.
MAX_KEYWORD_WORDS = 6
#: A pasted text of more characters is searched no further.
MAX_SEARCHED_CHARS = 4000

_PLAIN = {
    Operator.NOT_EQUAL: Operator.EQUALS_TO,
    Operator.NOT_START_WITH: Operator.START_WITH,
    Operator.NOT_END_WITH: Operator.END_WITH,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
}


def compare(operator: Operator, text: str, value: str) -> bool:
    """Compare two texts, folded as the search folds them.

    Letters of Arabic keyboards, digits of three scripts, half-spaces, accents, case and
    punctuation make no difference, unless the value is nothing but punctuation. Of an
    empty value every text is the beginning, the end, and a part.
    """
    if operator in _PLAIN:
        return not compare(_PLAIN[operator], text, value)
    fold = normalise if normalise(value) or not value.strip() else normalise_mildly
    said, wanted = fold(text[:MAX_SEARCHED_CHARS]), fold(value)
    match operator:
        case Operator.START_WITH:
            return said.startswith(wanted)
        case Operator.END_WITH:
            return fold(text[-MAX_SEARCHED_CHARS:]).endswith(wanted)
        case Operator.CONTAINS:
            return wanted in said
        case _:
            return said == wanted


def is_same(text: str, other: str) -> bool:
    """Whether two texts say the same, with words that are joined or parted alike."""
    return fold_keyword(text) == fold_keyword(other)


def has_keyword(text: str, keywords: Iterable[str]) -> bool:
    """Whether one of the keywords stands in the text as whole words."""
    found = find_windows(text)
    return any(fold_keyword(keyword) in found for keyword in keywords)


def fold_keyword(keyword: str) -> str:
    """Fold a word or a phrase to letters alone: «تخفیف‌دار» is «تخفیف دار»."""
    return normalise(keyword).replace(" ", "") or normalise_mildly(keyword)


def find_windows(text: str) -> frozenset[str]:
    """Return all runs of whole words of a text, each folded as a keyword is."""
    words = normalise(text[:MAX_SEARCHED_CHARS]).split()
    return frozenset(_join(words)) or frozenset({normalise_mildly(text)})


def _join(words: Sequence[str]) -> Iterable[str]:
    for start in range(len(words)):
        joined = ""
        for word in words[start : start + MAX_KEYWORD_WORDS]:
            joined += word
            yield joined
