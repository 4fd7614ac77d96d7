"""The words by which lines and tables are understood, folded."""

from retrieval.data.loading import load_groups
from retrieval.text.normalise import normalise

_GROUPS = ("begins", "asks", "yes_no", "perhaps", "attribute", "key", "value")

WORDS = {
    name: frozenset(map(normalise, words))
    for name, words in load_groups("documents/line_words.tsv", _GROUPS).items()
}
