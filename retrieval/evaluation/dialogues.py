"""Labelled dialogues: what a customer says, and what a good shop answers."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from typing import TypedDict

from retrieval.evaluation.labelled import parse_rows
from retrieval.evaluation.report import mean

_LETTERS = str.maketrans(
    "يىكةأإآؤۀ۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "ییکهاااوه01234567890123456789"
)
_MARKS = re.compile("[\u064b-\u0652\u0670\u0640]")
_GROUPED = re.compile("(?<=\\d)[٬,،٫.'\u00a0\u202f ](?=\\d{3}(?!\\d))")
_SIGNS = re.compile(r"[\s\u200c-\u200f«»\"'()\[\]*_`|:؛;،,.!؟?\-–—/]+")

Spellings = tuple[str, ...]
"""One of them is enough."""

_DIALOGUE_KEYS = frozenset({"id", "channel", "about", "turns"})
_TURN_KEYS = frozenset({"say", "share", "reply_to", "expect"})
_EXPECT_KEYS = frozenset({"act", "must", "must_not", "max_chars"})
_SHARE_KEYS = frozenset({"title", "caption"})


class ExpectedAct(StrEnum):
    """What an answer does."""

    ANSWER = "answer"
    HANDOVER = "handover"
    SMALLTALK = "smalltalk"
    CLARIFY = "clarify"


class Channel(StrEnum):
    """Where the customer writes."""

    WEBSITE = "website"
    TELEGRAM = "telegram"
    INSTAGRAM = "instagram"


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer must be: one of some acts, and words that it must (not) hold."""

    acts: frozenset[ExpectedAct]
    must: tuple[Spellings, ...] = ()
    must_not: tuple[Spellings, ...] = ()
    max_chars: int | None = None


@dataclass(frozen=True, slots=True)
class LabelledTurn:
    """A customer's message, with what it refers to, and the expected answer.

    `share` is a post that came before it, in labelled lines; `reply_to` the index of an
    earlier turn.
    """

    say: str
    expected: Expected
    share: str = ""
    reply_to: int | None = None


@dataclass(frozen=True, slots=True)
class LabelledDialogue:
    """A conversation of one customer; it passes when all its turns do."""

    id: str
    channel: Channel
    about: str
    turns: tuple[LabelledTurn, ...]


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What was answered to one turn; with `handover`, a person was called as well."""

    text: str
    act: str
    is_sourced: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The faults of an answer, in words, and what it holds of what it must not."""

    faults: tuple[str, ...]
    wrong: tuple[str, ...] = ()
    #: Nothing but a reply in kind was expected.
    is_small_talk: bool = False

    @property
    def is_wrong(self) -> bool:
        """Tell whether the answer holds what it must not."""
        return bool(self.wrong)


def parse_dialogues(lines: Iterable[str]) -> tuple[LabelledDialogue, ...]:
    """Parse a JSONL file of dialogues.

    Raises LabelledSetError, naming the line: also for a field that nobody knows, as one
    that is misspelled would check nothing, and for a file with nothing in it.
    """
    return parse_rows(lines, lambda row: _dialogue(_object(row, _DIALOGUE_KEYS)))


def _object(value: object, keys: frozenset[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        message = "not a JSON object"
        raise TypeError(message)
    unknown = sorted(value.keys() - keys)
    if unknown:
        message = f"nobody knows the field {unknown[0]}"
        raise ValueError(message)
    return value


def _dialogue(row: Mapping[str, object]) -> LabelledDialogue:
    rows = row["turns"]
    if not isinstance(rows, list) or not rows:
        message = "turns: must be a list, and not empty"
        raise TypeError(message)
    turns = tuple(_turn(_object(one, _TURN_KEYS)) for one in rows)
    for index, turn in enumerate(turns):
        if turn.reply_to is not None and not 0 <= turn.reply_to < index:
            message = f"reply_to: turn {turn.reply_to} is not before turn {index}"
            raise ValueError(message)
    return LabelledDialogue(
        id=_text(row["id"], "id"),
        channel=Channel(_text(row.get("channel", Channel.WEBSITE), "channel")),
        about=_text(row.get("about", ""), "about"),
        turns=turns,
    )


def _turn(row: Mapping[str, object]) -> LabelledTurn:
    expect = _object(row["expect"], _EXPECT_KEYS)
    share = _object(row.get("share") or {}, _SHARE_KEYS)
    acts = _text(expect["act"], "act").split("|")
    return LabelledTurn(
        say=_text(row["say"], "say"),
        expected=Expected(
            acts=frozenset(map(ExpectedAct, acts)),
            must=_wanted(expect.get("must", []), "must"),
            must_not=_wanted(expect.get("must_not", []), "must_not"),
            max_chars=_count(expect.get("max_chars"), "max_chars") or None,
        ),
        share="\n".join(
            f"{label}: {_text(share[key], key)}"
            for label, key in (("عنوان", "title"), ("کپشن", "caption"))
            if share.get(key)
        ),
        reply_to=_count(row.get("reply_to"), "reply_to"),
    )


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        message = f"{name}: must be a text"
        raise TypeError(message)
    return value


def _count(value: object, name: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    message = f"{name}: must be a number"
    raise TypeError(message)


def _wanted(rows: object, name: str) -> tuple[Spellings, ...]:
    """Read a list of texts; a list inside is "one of"."""
    if not isinstance(rows, list):
        message = f"{name}: must be a list"
        raise TypeError(message)
    return tuple(
        tuple(_text(one, name) for one in row)
        if isinstance(row, list)
        else (_text(row, name),)
        for row in rows
    )


@lru_cache(maxsize=4_096)
def fold(text: str) -> str:
    """Fold letters, digits and groups, and drop blanks and punctuation."""
    folded = unicodedata.normalize("NFKC", text).lower().translate(_LETTERS)
    return _SIGNS.sub("", _GROUPED.sub("", _MARKS.sub("", folded)))


def holds(text: str, *spellings: str) -> bool:
    """Tell whether a text holds one of the spellings, after folding."""
    folded = fold(text)
    return any(fold(spelling) in folded for spelling in spellings)


def judge(answer: GivenAnswer, expected: Expected) -> Verdict:
    """Compare an answer with what was expected of it.

    After a hand-over that was allowed nothing is missed: a person will answer.
    """
    acts = expected.acts
    is_handover = answer.act == ExpectedAct.HANDOVER
    may_hand_over = ExpectedAct.HANDOVER in acts
    faults = []
    if is_handover and not may_hand_over:
        faults.append("handed over")
    if not is_handover and acts == {ExpectedAct.HANDOVER}:
        faults.append("not handed over")
    is_talk = ExpectedAct.SMALLTALK in acts and ExpectedAct.ANSWER not in acts
    if answer.is_sourced and is_talk:
        faults.append("small talk answered from documents")
    if not (is_handover and may_hand_over):
        faults += [
            f"lacks {one[0]}" for one in expected.must if not holds(answer.text, *one)
        ]
    wrong = tuple(
        spelling
        for one in expected.must_not
        for spelling in [next((s for s in one if holds(answer.text, s)), None)]
        if spelling is not None
    )
    faults += [f"holds {one}" for one in wrong]
    is_long = len(answer.text) > (expected.max_chars or len(answer.text))
    if is_long and not is_handover:
        faults.append(f"{len(answer.text)} characters")
    return Verdict(tuple(faults), wrong, acts == {ExpectedAct.SMALLTALK})


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


class Figures(TypedDict):
    """A number of turns, and shares of them, 0 to 1."""

    turns: int
    turns_passed: float
    wrong: float


class Summary(Figures):
    """What playing some dialogues came to."""

    dialogues: int
    dialogues_passed: float
    #: Turns of nothing but small talk, and how many of those went to a person.
    small_talk: int
    handed_over_small_talk: int
    by_category: dict[str, Figures]
    by_shop: dict[str, Figures]


def summarise(played: Sequence[PlayedDialogue]) -> Summary:
    """Sum up: shares of turns and dialogues passed, of wrong figures, by category."""
    turns = [turn for one in played for turn in one.turns]
    return Summary(
        dialogues=len(played),
        dialogues_passed=mean(one.is_passed for one in played),
        **_figures(played),
        small_talk=sum(turn.verdict.is_small_talk for turn in turns),
        handed_over_small_talk=sum(
            turn.verdict.is_small_talk and turn.answer.act == ExpectedAct.HANDOVER
            for turn in turns
        ),
        by_category=_by(played, lambda one: one.about),
        by_shop=_by(played, lambda one: one.shop),
    )


def _by(
    played: Sequence[PlayedDialogue], key: Callable[[PlayedDialogue], str]
) -> dict[str, Figures]:
    groups = groupby(sorted(played, key=key), key=key)
    return {name: _figures([*group]) for name, group in groups}


def _figures(played: Sequence[PlayedDialogue]) -> Figures:
    turns = [turn for one in played for turn in one.turns]
    return Figures(
        turns=len(turns),
        turns_passed=mean(not turn.verdict.faults for turn in turns),
        wrong=mean(turn.verdict.is_wrong for turn in turns),
    )
