"""Finds the known words that a typing error could have made a word of."""

from collections.abc import Iterable, Iterator

# Of a shorter word, one letter more or less makes another word.
_SHORTEST = 5


class NearWords:
    """Known words within one typing error: a letter more, less, other or swapped.

    By hand: `ارسلا` is `ارسال` with two letters swapped, `رایگا` of `رایگان` lacks one.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._by_shortened: dict[str, set[str]] = {}
        for word in known:
            if len(word) >= _SHORTEST and " " not in word:
                for shortened in _shorten(word):
                    self._by_shortened.setdefault(shortened, set()).add(word)

    def find(self, word: str) -> list[str]:
        """Find them in alphabetical order; none for a word that is too short."""
        if len(word) < _SHORTEST:
            return []
        candidates = {
            known
            for shortened in _shorten(word)
            for known in self._by_shortened.get(shortened, ())
        }
        return sorted(known for known in candidates if _is_one_error(word, known))


def _shorten(word: str) -> Iterator[str]:
    """Yield the word and what is left of it without any one letter."""
    yield word
    for place in range(len(word)):
        yield word[:place] + word[place + 1 :]


def _is_one_error(a: str, b: str) -> bool:
    if len(a) != len(b):
        shorter, longer = sorted((a, b), key=len)
        return shorter in _shorten(longer)
    differing = [place for place in range(len(a)) if a[place] != b[place]]
    if len(differing) != 2:
        return len(differing) <= 1
    first, second = differing
    return second == first + 1 and (a[first], a[second]) == (b[second], b[first])
