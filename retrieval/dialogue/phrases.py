"""Finds the phrases that do something and ask nothing: greetings, thanks, goodbyes."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from rapidfuzz import process
from rapidfuzz.distance import OSA

from retrieval.data.loading import load_groups
from retrieval.dialogue.spelling import Word, fold

_GROUPS = (
    *("hello", "evening", "opening", "how_are_you", "congratulation", "compliment"),
    *("thanks", "around_thanks", "goodbye", "parting", "who_are_you", "laugh"),
    *("yes", "answer_yes", "ok", "no", "refusal", "number", "angry", "sad"),
    *("filler", "polite", "around_compliment", "joining"),
    *("hail", "how_is_it", "gratitude"),
)
#: Groups that say nothing by themselves.
_SILENT = frozenset(
    ("filler", "polite", "around_thanks", "around_compliment", "number", "joining")
)
# What these words may stand beside, and nowhere else.
_AROUND = {
    "around_thanks": frozenset(("thanks", "gratitude", "compliment")),
    "around_compliment": frozenset(("thanks", "gratitude", "compliment")),
}
# What may be left out before and behind a question; the others belong to it as well:
# "خوبه" answers in "خوبه" and asks in "برای پوست خشک خوبه".
_LEADING = frozenset(
    (
        *("hello", "evening", "opening", "how_are_you", "congratulation"),
        *("thanks", "goodbye", "yes", "no", "polite"),
    )
)
_TRAILING = frozenset(("hello", "evening", "thanks", "goodbye", "polite"))
# Set off by a mark, these lead a message too: "عالیه، کی می‌رسه".
_SET_OFF = frozenset(
    (
        *("ok", "answer_yes", "refusal", "compliment", "parting", "laugh"),
        *("hail", "how_is_it", "gratitude"),
    )
)
_MARKED = re.compile(r"\s*[،,.!…:;؛\n-]")
# "باشه؟" asks, "خوبی؟" greets.
_NOT_ASKED = frozenset(("ok", "yes", "answer_yes", "no", "refusal", "compliment"))
_MAX_WORDS = 9
_SHORTEST_MISTYPED = 5
_MAX_MISTYPED_WORDS = 12
_UNKNOWN_SIGN = frozenset(("filler",))
_LAUGH = re.compile(r"[هخ]{3,}|(?:ha|he|ja){3,}h?|(?:5){3,}")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase that was found: words[start:end], of any of these groups."""

    start: int
    end: int
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a piece is small talk: `groups`; and its rest, words[start:end]."""

    groups: frozenset[str]
    start: int
    end: int

    @property
    def is_small_talk(self) -> bool:
        """Tell whether nothing is left that could be searched for."""
        return self.start >= self.end


def _load_polite_words() -> tuple[str, ...]:
    groups = load_groups("dialogue/acts.tsv", _GROUPS)
    words = {
        fold(word)
        for group in ("hello", "thanks", "goodbye", "how_are_you")
        for cell in groups[group]
        for word in cell.replace("_", " ").replace("/", " ").split()
    }
    return tuple(sorted(w for w in words if len(w) >= _SHORTEST_MISTYPED))


def _load() -> dict[str, frozenset[str]]:
    """Map each phrase, written without blanks, to its groups."""
    found: dict[str, set[str]] = {}
    for group, cells in load_groups("dialogue/acts.tsv", _GROUPS).items():
        for cell in cells:
            for phrase in product(*(word.split("/") for word in cell.split())):
                words = " ".join(phrase).replace("_", " ").split()
                folded = _key(map(fold, words))
                found.setdefault(folded, set()).add(group)
    return {phrase: frozenset(groups) for phrase, groups in found.items()}


def _key(folded: Iterable[str]) -> str:
    """Spell a phrase without blanks, as many leave them out."""
    return "".join(folded)


_PHRASES = _load()
_POLITE_WORDS = _load_polite_words()


def read_small_talk(text: str, words: Sequence[Word], *, is_asked: bool) -> Reading:
    """Tell a piece's small talk from its rest; `is_asked`: a question mark ends it."""
    whole = _tile(text, words, is_asked=is_asked)
    if whole is None and not is_asked and len(words) <= _MAX_MISTYPED_WORDS:
        whole = _tile(text, [_correct(word) for word in words], is_asked=False)
    if whole is not None:
        # A flower behind a greeting is no thanks; alone it is.
        spoken = [p for p in whole if not words[p.start].is_sign] or whole
        groups = _groups_of(spoken) - _SILENT or _groups_of(whole) - _SILENT
        groups |= _groups_of(whole) & {"angry"}
        return Reading(groups, len(words), len(words))
    start, leading = _lead(text, words)
    end, trailing = _trail(text, words, start)
    groups = (leading | trailing) - _SILENT
    return Reading(groups | _find_anger(words), start, end)


def _correct(word: Word) -> Word:
    """Read a word that is one typing error away from a polite one as that one."""
    if word.folded in _PHRASES or len(word.folded) < _SHORTEST_MISTYPED:
        return word
    meant = process.extract(
        word.folded, _POLITE_WORDS, scorer=OSA.distance, score_cutoff=1, limit=2
    )
    return Word(meant[0][0], word.start, word.end) if len(meant) == 1 else word


def _find_anger(words: Sequence[Word]) -> frozenset[str]:
    signs = (_PHRASES.get(word.folded, frozenset()) for word in words if word.is_sign)
    return frozenset({"angry"}) & frozenset[str]().union(*signs)


def _groups_of(phrases: Iterable[Phrase]) -> frozenset[str]:
    return frozenset[str]().union(*(phrase.groups for phrase in phrases))


def _tile(
    text: str, words: Sequence[Word], *, is_asked: bool
) -> tuple[Phrase, ...] | None:
    """Cover all words with phrases, the longest first; None if some belong to none."""
    tiled: list[tuple[Phrase, ...] | None] = [None] * len(words) + [()]
    for start in range(len(words) - 1, -1, -1):
        for phrase in _phrases_at(text, words, start):
            groups = phrase.groups - _NOT_ASKED if is_asked else phrase.groups
            rest = tiled[phrase.end]
            if rest is None or not groups - {"number"}:
                continue
            tiled[start] = (Phrase(start, phrase.end, groups), *rest)
            break
    whole = tiled[0]
    if whole is None:
        return None
    groups = _groups_of(whole)
    says = groups - _SILENT
    if not all(_is_covered(whole, *around) for around in _AROUND.items()):
        return None
    # A question of fillers alone ("شما؟") is left to the caller, as nothing was said.
    return tuple(_spoken(phrase, says) for phrase in whole)


def _is_covered(whole: Sequence[Phrase], around: str, by: frozenset[str]) -> bool:
    """Tell whether words such as پاسخ or پیجتون stand beside thanks or praise."""
    needs = any(phrase.groups == {around} for phrase in whole)
    return not needs or any(phrase.groups & by for phrase in whole)


def _spoken(phrase: Phrase, says: frozenset[str]) -> Phrase:
    """Read a word that is also a mere filler as one, where others say something.

    خب is "all right" alone and nothing in "خب خداحافظ".
    """
    is_filler = bool(phrase.groups & (_SILENT - {"number"}))
    firm = says - phrase.groups
    groups = phrase.groups & _SILENT if is_filler and firm else phrase.groups
    return Phrase(phrase.start, phrase.end, groups)


def _lead(text: str, words: Sequence[Word]) -> tuple[int, frozenset[str]]:
    """Find where small talk at the beginning ends, and its groups."""
    kept, at, groups = 0, 0, frozenset[str]()
    seen = groups
    while at < len(words):
        phrase = next(iter(_phrases_at(text, words, at)), None)
        if phrase is None:
            break
        firm = phrase.groups & _LEADING
        if words[at].is_sign:
            kept = at = phrase.end
            continue
        if not firm and phrase.groups & _SET_OFF and _is_set_off(text, words, phrase):
            firm = phrase.groups & _SET_OFF
        if "number" in phrase.groups or not (firm or "filler" in phrase.groups):
            break
        if phrase.groups & {"filler"} and not firm:
            at = phrase.end
            # An address word behind a greeting goes with it: "سلام خانم، ...".
            if kept and _is_set_off(text, words, phrase):
                kept = at
            continue
        seen |= firm
        at = kept = phrase.end
        groups = seen
    return kept, groups


def _trail(text: str, words: Sequence[Word], start: int) -> tuple[int, frozenset[str]]:
    """Find where small talk at the end begins, and its groups."""
    end, groups = len(words), frozenset[str]()
    while end > start + 1:
        for first in range(max(start + 1, end - _MAX_WORDS), end):
            phrase = next(
                (p for p in _phrases_at(text, words, first) if p.end == end), None
            )
            firm = phrase.groups & _TRAILING if phrase else frozenset[str]()
            if phrase is not None and words[first].is_sign:
                end = first
                break
            if firm and not _is_joined(words[first - 1]):
                end, groups = first, groups | firm
                break
        else:
            break
    return end, groups


def _is_joined(before: Word) -> bool:
    """Tell whether what follows a word is its object: no address in "برای داداش"."""
    return "joining" in _PHRASES.get(before.folded, frozenset())


def _is_set_off(text: str, words: Sequence[Word], phrase: Phrase) -> bool:
    return _MARKED.match(text, words[phrase.end - 1].end) is not None


def _phrases_at(text: str, words: Sequence[Word], start: int) -> Iterator[Phrase]:
    """Yield the phrases that begin at a word, the longest first."""
    if words[start].is_sign:
        yield Phrase(start, start + 1, _PHRASES.get(words[start].folded, _UNKNOWN_SIGN))
        return
    for end in range(min(len(words), start + _MAX_WORDS), start, -1):
        groups = _PHRASES.get(_key(word.folded for word in words[start:end]))
        if groups is not None:
            yield Phrase(start, end, groups)
    written = text[words[start].start : words[start].end].casefold()
    if _LAUGH.fullmatch(written):
        yield Phrase(start, start + 1, frozenset({"laugh"}))
