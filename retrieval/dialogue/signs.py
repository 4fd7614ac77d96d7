"""Compiles the patterns of `act_signs.tsv`: words with gaps, endings and choices."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from retrieval.data.loading import load_groups
from retrieval.dialogue.spelling import Word, fold, fold_stem

_ACTS = (
    *("wants_person", "complaint", "order_status", "adversarial", "correction"),
    *("announcement", "congratulation", "compliment"),
)
_GROUPS = (
    *_ACTS,
    *(f"{act}-unless" for act in _ACTS),
    *(f"{act}-sure" for act in _ACTS),
    *("conditional", "conditional-unless"),
)
#: Acts about something that happened; a condition tells of none.
_REAL = frozenset(("complaint", "order_status"))
_WINDOW = 24  # words; a pattern with its gaps is shorter
_ENDS = 2  # windows of each end that are read of a pasted text
_CUT = " …"
_ZWNJ = "\u200c"
_GAP = r"(?: \S+){0,6}?"
_KEPT = r"(?P<kept>(?: \S+){1,14}?)"
_WORD_END = r"(?= |$)"
_FIXED: Mapping[str, str] = {"^": "^", "$": "$", "..": _GAP, "{}": _KEPT}


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern for a text whose words have one blank before each."""
    return re.compile("".join(map(_compile_word, pattern.split())))


def _compile_word(word: str) -> str:
    if word in _FIXED:
        return _FIXED[word]
    if word.startswith("["):
        return f"(?:{_choose(word[1:-1])})?"
    return _choose(word)


def _choose(word: str) -> str:
    choices = word.split("/")
    plain = [_spell(choice) for choice in choices if choice != "$"]
    matched = rf" (?:{'|'.join(dict.fromkeys(plain))}){_WORD_END}"
    return rf"(?:{matched}|$)" if "$" in choices else matched


def _spell(choice: str) -> str:
    if choice == "..":
        return r"\S+"
    if _ZWNJ in choice:
        # Many write a blank here, or nothing.
        *parts, last = choice.split(_ZWNJ)
        return " ?".join(
            (*(re.escape(fold_stem(part)) for part in parts), _spell(last))
        )
    if choice.endswith("*"):
        return re.escape(fold_stem(choice[:-1])) + r"\S*"
    if choice.startswith("*"):
        # Folded behind other letters, where تون is an ending.
        return r"\S*" + re.escape(fold(f"اب{choice[1:]}").removeprefix("اب"))
    return re.escape(fold(choice))


@cache
def _patterns() -> Mapping[str, tuple[re.Pattern[str], ...]]:
    groups = load_groups("dialogue/act_signs.tsv", _GROUPS)
    return {
        group: tuple(map(compile_pattern, sorted(patterns)))
        for group, patterns in groups.items()
    }


def has_sign(words: Sequence[Word], act: str) -> bool:
    """Tell whether a piece of a message shows a sign of an act, and none against it."""
    texts = _windows(words)
    is_sure = _matches(texts, f"{act}-sure")
    if not is_sure and not _matches(texts, act):
        return False
    if act in _REAL and _is_supposed(texts):
        return False
    return is_sure or not _matches(texts, f"{act}-unless")


def find_corrected(words: Sequence[Word]) -> range | None:
    """Find the words that a correction keeps; None if the piece corrects nothing.

    An empty range: something was wrong, and nothing is said instead.
    """
    if len(words) > _WINDOW:
        return None
    text = _join(words)
    if _matches([text], "correction-unless"):
        return None
    found = [
        match
        for pattern in _patterns()["correction"]
        if (match := pattern.search(text)) is not None
    ]
    if not found:
        return None
    # The narrowest: "نه سفیدش رو میگم" keeps سفیدش, whatever else fits.
    kept = min((m.span("kept") for m in found if _keeps(m)), key=_width, default=None)
    if kept is None:
        return range(0)
    first = text.count(" ", 0, kept[0] + 1) - 1
    return range(first, first + text.count(" ", *kept))


def _keeps(match: re.Match[str]) -> bool:
    return "kept" in match.re.groupindex and match["kept"] is not None


def _width(span: tuple[int, int]) -> int:
    return span[1] - span[0]


def _is_supposed(texts: Sequence[str]) -> bool:
    return _matches(texts, "conditional") and not _matches(texts, "conditional-unless")


def _matches(texts: Sequence[str], group: str) -> bool:
    return any(pattern.search(text) for pattern in _patterns()[group] for text in texts)


def _windows(words: Sequence[Word]) -> list[str]:
    """Join words with one blank before each; a long piece in windows that overlap.

    A gap makes a search cost its square. `_CUT` stands where a window is no end.
    """
    if len(words) <= _WINDOW:
        return [_join(words)]
    starts = range(0, len(words) - _WINDOW // 2, _WINDOW // 2)
    kept = (
        [*starts] if len(starts) <= 2 * _ENDS else [*starts[:_ENDS], *starts[-_ENDS:]]
    )
    return [
        (_CUT if start else "")
        + _join(words[start : start + _WINDOW])
        + (_CUT if start + _WINDOW < len(words) else "")
        for start in kept
    ]


def _join(words: Sequence[Word]) -> str:
    return "".join(f" {word.folded}" for word in words)
