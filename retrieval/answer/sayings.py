"""Phrases of a word list, found in sentences whatever their spelling."""

import re
from collections.abc import Iterable

from retrieval.data.loading import load_groups, load_rows
from retrieval.text.normalise import normalise

_PARAGRAPHS = re.compile(r"(\n\s*\n)")
#: Words that may stand between two of a phrase that talks to a model.
_BETWEEN = 3
#: «نمی شود» is one word, as «نمی‌شود» is.
_PREFIX = re.compile(r"(?<!\S)(ن?می) (?=\S)")
#: Endings that Persian puts behind a noun.
_ENDINGS = (
    "(?:ها|های|هایی|هایمان|هایتان|هایش|هامون|ی|یه|ش|شم|م|مان|تان|مون|تون|ه|و|ست)?"
)
_STAR = "ʘ"
PROMISES = (
    *("free", "discount", "refund", "return", "exchange", "guarantee", "gift"),
    *("instalments", "surely", "tomorrow", "today", "weekday"),
)
MARKS = ("negation", "unknown", "future", "repeated", "condition")


def fold_sentence(text: str) -> str:
    """Fold a sentence to bare words; «می رسد» is «میرسد»."""
    return _PREFIX.sub(r"\1", normalise(text))


def _pattern(
    phrases: Iterable[str], between: int = 0, endings: str = ""
) -> re.Pattern[str]:
    """Compile phrases; a star ends any word, a gap holds `between` other words."""
    gap = rf" (?:\S+ ){{0,{between}}}" if between else " "
    choices = {
        gap.join(_word(word) for word in fold_sentence(_starred(phrase)).split())
        for phrase in phrases
    }
    alternatives = "|".join(sorted(choices, key=len, reverse=True))
    return re.compile(rf"(?<!\S)(?:{alternatives}){endings}(?!\S)")


def _starred(phrase: str) -> str:
    # A letter that no folding changes stands for the star meanwhile.
    return phrase.replace("*", _STAR)


def _word(word: str) -> str:
    stem = word.removesuffix(_STAR)
    return re.escape(stem) + (r"\S*" if stem != word else "")


_PROMISES = load_groups(
    "statements/promises.tsv", (*PROMISES, *(f"{promise}+" for promise in PROMISES))
)
#: The words of each promise, as a pattern on folded text.
PROMISE_PATTERNS = {
    promise: _pattern(_PROMISES[promise], endings=_ENDINGS) for promise in PROMISES
}
#: These words and those that give the same in a source.
SUPPORT_PATTERNS = {
    promise: _pattern(_PROMISES[promise] | _PROMISES[f"{promise}+"], endings=_ENDINGS)
    for promise in PROMISES
}
MARK_PATTERNS = {
    mark: _pattern(words)
    for mark, words in load_groups("statements/speech_marks.tsv", MARKS).items()
}
_INJECTION = _pattern(
    (row[0] for row in load_rows("dialogue/injections.tsv", 1)), _BETWEEN
)


def is_marked(mark: str, folded: str) -> bool:
    """Tell whether a folded sentence holds one of the marks of `speech_marks.tsv`."""
    return MARK_PATTERNS[mark].search(folded) is not None


def talks_to_a_model(text: str) -> bool:
    """Tell whether a text gives a model orders, as an injected paragraph does."""
    return _INJECTION.search(normalise(text)) is not None


def note_injected(text: str, note: str) -> str:
    """Put a note behind each paragraph of a text that gives a model orders."""
    parts = _PARAGRAPHS.split(text)
    for place in range(0, len(parts), 2):
        if talks_to_a_model(parts[place]):
            parts[place] = f"{parts[place]}\n{note}"
    return "".join(parts)


def split_injected(text: str) -> tuple[str, str]:
    """Part a text into what can be believed, and paragraphs that give a model orders.

    A paragraph ends at an empty line: an order and what it is about stand together.
    """
    clean: list[str] = []
    injected: list[str] = []
    for paragraph in _PARAGRAPHS.split(text)[::2]:
        (injected if talks_to_a_model(paragraph) else clean).append(paragraph)
    return "\n\n".join(clean), "\n\n".join(injected)
