"""Labelled dialogues: what a customer says, and what a good shop answers."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import orjson

from retrieval.evaluation.labelled import LabelledSetError

_LETTERS = str.maketrans(
    "يىكةأإآؤۀ۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "ییکهاااوه01234567890123456789"
)
_MARKS = re.compile("[\u064b-\u0652\u0670\u0640]")
_GROUPED = re.compile("(?<=\\d)[٬,،٫.'\u00a0\u202f ](?=\\d{3}(?!\\d))")
_SIGNS = re.compile(r"[\s\u200c-\u200f«»\"'()\[\]*_`|:؛;،,.!؟?\-–—/]+")

Wanted = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a turn's answer must be: its act, and words that it must (not) hold."""

    acts: frozenset[str]
    must: tuple[Wanted, ...] = ()
    must_not: tuple[Wanted, ...] = ()
    max_chars: int | None = None


@dataclass(frozen=True, slots=True)
class LabelledTurn:
    """A customer's message, with what it refers to, and the expected answer.

    `share` is a post that came before it, `reply_to` the index of an earlier turn.
    """

    say: str
    expected: Expected
    share: str = ""
    reply_to: int | None = None


@dataclass(frozen=True, slots=True)
class LabelledDialogue:
    """A conversation of one customer; it passes when all its turns do."""

    id: str
    channel: str
    about: str
    turns: tuple[LabelledTurn, ...]


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What was answered to one turn."""

    text: str
    act: str
    is_sourced: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The faults of an answer, in words; `is_wrong` if it holds what it must not."""

    faults: tuple[str, ...]
    is_wrong: bool


def parse_dialogues(lines: Iterable[str]) -> tuple[LabelledDialogue, ...]:
    """Parse a JSONL file. Raises LabelledSetError, naming the line."""
    dialogues = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            dialogues.append(_dialogue(orjson.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"line {number}: no dialogue ({type(error).__name__}: {error})"
            raise LabelledSetError(message) from error
    return tuple(dialogues)


def _dialogue(row: Mapping[str, object]) -> LabelledDialogue:
    turns = row["turns"]
    if not isinstance(turns, list) or not turns:
        message = "turns: must be a list"
        raise TypeError(message)
    return LabelledDialogue(
        id=str(row["id"]),
        channel=str(row.get("channel", "website")),
        about=str(row.get("about", "")),
        turns=tuple(_turn(turn) for turn in turns),
    )


def _turn(row: Mapping[str, object]) -> LabelledTurn:
    expect = row["expect"]
    if not isinstance(expect, dict):
        message = "expect: must be an object"
        raise TypeError(message)
    share = row.get("share") or {}
    if not isinstance(share, dict):
        message = "share: must be an object"
        raise TypeError(message)
    reply_to = row.get("reply_to")
    max_chars = expect.get("max_chars")
    return LabelledTurn(
        say=str(row["say"]),
        expected=Expected(
            acts=frozenset(str(expect["act"]).split("|")),
            must=tuple(map(_wanted, expect.get("must", ()))),
            must_not=tuple(map(_wanted, expect.get("must_not", ()))),
            max_chars=None if max_chars is None else int(max_chars),
        ),
        share="\n".join(
            f"{label}: {share[key]}"
            for label, key in (("عنوان", "title"), ("کپشن", "caption"))
            if share.get(key)
        ),
        reply_to=None if reply_to is None else int(str(reply_to)),
    )


def _wanted(value: object) -> Wanted:
    return tuple(map(str, value)) if isinstance(value, list) else str(value)


@lru_cache(maxsize=4_096)
def fold(text: str) -> str:
    """Fold letters, digits and groups, and drop blanks and punctuation."""
    folded = unicodedata.normalize("NFKC", text).lower().translate(_LETTERS)
    return _SIGNS.sub("", _GROUPED.sub("", _MARKS.sub("", folded)))


def holds(text: str, wanted: Wanted) -> bool:
    """Tell whether a text holds some words, or one of several."""
    if isinstance(wanted, tuple):
        return any(holds(text, one) for one in wanted)
    return fold(wanted) in fold(text)


def judge(answer: GivenAnswer, expected: Expected) -> Verdict:
    """Compare an answer with what was expected of it."""
    is_handover = answer.act == "handover"
    faults = []
    if is_handover and "handover" not in expected.acts:
        faults.append("handed over")
    if not is_handover and expected.acts == {"handover"}:
        faults.append("not handed over")
    if (
        answer.is_sourced
        and "smalltalk" in expected.acts
        and "answer" not in expected.acts
    ):
        faults.append("small talk answered from documents")
    if expected.acts == {"clarify"} and answer.act == "answer":
        faults.append("answered instead of asking back")
    if not (is_handover and "handover" in expected.acts):
        faults += [
            f"lacks {one if isinstance(one, str) else one[0]}"
            for one in expected.must
            if not holds(answer.text, one)
        ]
    wrong = [one for one in expected.must_not if holds(answer.text, one)]
    faults += [f"holds {one}" for one in wrong]
    if (
        expected.max_chars is not None
        and len(answer.text) > expected.max_chars
        and not is_handover
    ):
        faults.append(f"{len(answer.text)} characters")
    return Verdict(tuple(faults), bool(wrong))


@dataclass(frozen=True, slots=True)
class PlayedTurn:
    """A turn, what was answered to it, and the verdict."""

    said: str
    answer: GivenAnswer
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class PlayedDialogue:
    """A dialogue as it went."""

    shop: str
    id: str
    about: str
    turns: tuple[PlayedTurn, ...]

    @property
    def is_passed(self) -> bool:
        """Tell whether every turn passed."""
        return not any(turn.verdict.faults for turn in self.turns)


def summarise(played: Sequence[PlayedDialogue]) -> dict[str, object]:
    """Sum up: shares of turns and dialogues passed, of wrong figures, by category."""
    turns = [turn for one in played for turn in one.turns]
    ordered = sorted(played, key=lambda one: one.about)
    return {
        "dialogues": len(played),
        "dialogues_passed": _share(one.is_passed for one in played),
        **_figures(turns),
        "handed_over_small_talk": sum(
            "handed over" in turn.verdict.faults and turn.answer.act == "handover"
            for turn in turns
        ),
        "by_category": {
            about: _figures([turn for one in group for turn in one.turns])
            for about, group in groupby(ordered, key=lambda one: one.about)
        },
    }


def _figures(turns: Sequence[PlayedTurn]) -> dict[str, float]:
    return {
        "turns": len(turns),
        "turns_passed": _share(not turn.verdict.faults for turn in turns),
        "wrong": _share(turn.verdict.is_wrong for turn in turns),
    }


def _share(marks: Iterable[bool]) -> float:
    marked = [*marks]
    return sum(marked) / len(marked) if marked else 0.0
