"""Splits what a customer asks into its questions, each in the customer's words."""

import re
from collections.abc import Iterator, Sequence

from retrieval.data.loading import load_groups
from retrieval.dialogue.spelling import fold, read_words
from retrieval.query.colloquial import WORDS
from retrieval.text.language import drop_addresses
from retrieval.text.sentences import split_sentences

_GROUPS = (
    *("complete", "partial", "verb", "modal", "telling", "statement", "starting"),
)
_ASKING = {
    group: frozenset(map(fold, words))
    for group, words in load_groups("dialogue/asking_words.tsv", _GROUPS).items()
}
#: Where two questions may meet: a comma, or a word that joins.
_JOINT = re.compile(
    r"\s*[،,؛;](?!\d)\s*|\s+(?:و|ولی|اما|and|also|va)\s+|\s+[-–—]+\s+", re.IGNORECASE
)
_PERSIAN_VERB = re.compile(
    r"(?:ن?می|ن?mi)\w+(?:ید|ه|ن|ند|د|شه|id|in|e|an)|(?:na|ne)?mi\w{2,}(?:id|in|e|an)"
)
_MARKS = "؟?"
_SHORTEST_PART = 2
_SECOND_PERSON = ("ید", "id", "in")
_EACH = frozenset(("هر", "هیچ", "همه"))
_TOPIC = "چی"
_MAX_SPLIT_CHARS = 600  # longer sentences are pasted, and their joints cost time
_SHORTEST_OWNED = 3
_OWN = frozenset(("من", "ما", "منم", "i", "my", "we", "our", "im", "ive"))


def split_pieces(text: str) -> Iterator[str]:
    """Yield the sentences and lines of a message."""
    yield from split_sentences(text)


def asks(text: str) -> bool:
    """Tell whether a piece asks something, by its words or its mark."""
    if any(mark in drop_addresses(text) for mark in _MARKS):
        return True
    words = [word.folded for word in read_words(text)]
    if any(_is_of(word, "complete", "modal", "telling") for word in words):
        return True
    if _asks_partly(words):
        return True
    if bool(words) and _is_of(words[0], "starting"):
        return True
    if any(word.endswith("ید") and _is_verb(word) for word in words):
        return True
    # "مادرم دیابت داره" tells of one's own, "پارکینگ داره" asks.
    is_told = text.rstrip().endswith((".", "!")) or any(map(_is_own, words))
    return not is_told and any(map(_is_verb, words))


def _is_own(word: str) -> bool:
    """Tell a word about the customer: من, or a thing of theirs such as ماشینم."""
    if word in _OWN:
        return True
    return len(word) > _SHORTEST_OWNED and word[-1] == "م" and word not in WORDS


def split_questions(text: str) -> tuple[str, ...]:
    """Split a sentence where both sides ask something of their own.

    By hand: "پسته چنده و ارسالش چقدر میشه؟" is two, "پسته و بادام چنده؟" is one.
    """
    if len(text) > _MAX_SPLIT_CHARS:
        return (text,)
    parts: list[str] = []
    start = search = 0
    while (joint := _JOINT.search(text, search)) is not None:
        left, right = text[start : joint.start()], text[joint.end() :]
        search = joint.end()
        if _stands_alone(left) and _begins_question(right):
            parts.append(left.strip())
            start = joint.end()
    parts.append(text[start:].strip())
    return tuple(part for part in parts if part)


def _begins_question(right: str) -> bool:
    """Tell whether what follows a joint asks by itself, up to the next one."""
    if _stands_alone(right):
        joint = _JOINT.search(right)
        return joint is None or _asks_alone_somewhere(right)
    return False


def _asks_alone_somewhere(right: str) -> bool:
    first = _JOINT.split(right, maxsplit=1)[0]
    return _stands_alone(first) or not _stands_alone_partly(first)


def _stands_alone_partly(text: str) -> bool:
    words = [word.folded for word in read_words(text)]
    return any(_is_of(word, "statement") for word in words)


def _stands_alone(text: str) -> bool:
    """Tell whether a part asks something without the words on its other side."""
    words = [word.folded for word in read_words(text)]
    if len(words) < _SHORTEST_PART:
        return False
    if _is_english(words):
        return _is_of(words[0], "starting") and len(words) > _SHORTEST_PART
    if any(_is_of(word, "complete") for word in words):
        return True
    has_verb = any(map(_is_verb, words)) or _is_of(words[-1], "modal")
    if _asks_partly(words):
        is_marked = text.rstrip().endswith((*_MARKS,)) and len(words) > _SHORTEST_PART
        return has_verb or is_marked or _is_last(words)
    if any(_is_of(word, "statement") or _is_own(word) for word in words):
        return False
    # "موتور روغن‌ریزی داره، ..." may tell what the question is about.
    is_marked = text.rstrip().endswith((*_MARKS,))
    addresses = any(_is_verb(word) and word.endswith(_SECOND_PERSON) for word in words)
    asks_last = _is_of(words[-1], "modal") or (is_marked and has_verb)
    return addresses or asks_last or any(_is_of(word, "telling") for word in words)


def _asks_partly(words: Sequence[str]) -> bool:
    """Tell whether a word asks together with a verb; "هر کدوم" is "each"."""
    before = ("", *words)
    return any(
        _is_of(word, "partial") and before[at] not in _EACH
        for at, word in enumerate(words)
    )


def _is_last(words: Sequence[str]) -> bool:
    # "زعفران چی، ..." names what is asked about, and goes on.
    return _is_of(words[-1], "partial") and words[-1] != _TOPIC


def _is_english(words: Sequence[str]) -> bool:
    return all(word.isascii() for word in words) and not any(
        _is_of(word, "complete", "verb", "modal") or _PERSIAN_VERB.fullmatch(word)
        for word in words
    )


def _is_verb(word: str) -> bool:
    if _is_of(word, "modal"):
        return False
    return _is_of(word, "verb") or _PERSIAN_VERB.fullmatch(word) is not None


def _is_of(word: str, *groups: str) -> bool:
    return any(word in _ASKING[group] for group in groups)
