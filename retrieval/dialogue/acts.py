"""Reads what a customer's burst of messages does, and what in it is to be searched."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from retrieval.dialogue.customer_language import Tongue, read_tongue
from retrieval.dialogue.junk import is_junk
from retrieval.dialogue.phrases import read_small_talk
from retrieval.dialogue.signs import find_corrected, has_sign
from retrieval.dialogue.spelling import Word, read_words
from retrieval.dialogue.splitting import asks, split_pieces, split_questions
from retrieval.text.language import Language


class Act(StrEnum):
    """What a burst does; in the order of importance.

    YES is any agreement; OK stands beside it where the words may also only take note
    (باشه, 👍). ORDER_STATUS asks after an order, a booking or a payment of one's own.
    """

    ADVERSARIAL = "adversarial"
    WANTS_PERSON = "wants_person"
    COMPLAINT = "complaint"
    ORDER_STATUS = "order_status"
    CORRECTION = "correction"
    QUESTION = "question"
    COMMAND = "command"
    NO = "no"
    GOODBYE = "goodbye"
    YES = "yes"
    OK = "ok"
    THANKS = "thanks"
    SMALL_TALK = "small_talk"
    GREETING = "greeting"
    UNREADABLE = "unreadable"


class Talk(StrEnum):
    """Kinds of small talk, each with a reply of its own."""

    CONGRATULATION = "congratulation"
    WHO_ARE_YOU = "who_are_you"
    HOW_ARE_YOU = "how_are_you"
    COMPLIMENT = "compliment"
    LAUGH = "laugh"


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one burst does.

    `acts`: in order of importance, at least one. `questions`: to be searched, in the
    customer's words, without small talk; none for what a person must answer.
    `language` is the customer's; Finglish is Persian. `talk`: the kind of SMALL_TALK;
    None if only nearness tells it.
    """

    acts: tuple[Act, ...]
    questions: tuple[str, ...]
    language: Language
    is_finglish: bool
    talk: Talk | None = None


#: Acts that call a person, whatever else is in the message.
HANDED_OVER = (Act.ADVERSARIAL, Act.WANTS_PERSON, Act.COMPLAINT, Act.ORDER_STATUS)
_IMPORTANCE = {act: rank for rank, act in enumerate(Act)}
_OF_GROUP: Mapping[str, tuple[Act, ...]] = {
    "hello": (Act.GREETING,),
    "opening": (Act.GREETING,),
    "hail": (Act.GREETING,),
    "thanks": (Act.THANKS,),
    "gratitude": (Act.THANKS,),
    "goodbye": (Act.GOODBYE,),
    "parting": (Act.GOODBYE,),
    "yes": (Act.YES,),
    "answer_yes": (Act.YES,),
    "ok": (Act.YES, Act.OK),
    "no": (Act.NO,),
    "refusal": (Act.NO,),
    "angry": (Act.COMPLAINT,),
}
_SAME_TALK: Mapping[str, str] = {"how_is_it": "how_are_you"}
# What tells of something and asks nothing.
_TELLING: Mapping[str, str] = {
    "announcement": "parting",
    "congratulation": "congratulation",
    "compliment": "compliment",
}
_COMMAND_FLAGS = re.ASCII | re.IGNORECASE
_COMMAND = re.compile(r"/[a-z]\w*(?:@\w+)?(?:\s+[\w=-]{1,64})?", _COMMAND_FLAGS)
_COMMAND_WORD = re.compile(r"^\s*/[a-z]\w*(?:@\w+)?(?=\s|$)", _COMMAND_FLAGS)
_END_MARKS = re.compile(r"[؟?!.…)»\"”]+")
_MARKS = "؟?"
_MAX_TOLD_WORDS = 16


def read_burst(
    texts: Sequence[str],
    language: Language | None = None,
    nearest: Callable[[str], Act | None] | None = None,
) -> Spoken:
    """Read what a burst of messages does; `language` is the shop's.

    `nearest` is asked about each text that would be searched, where words tell nothing
    else; see `ActExamples`.
    """
    heard = _Heard()
    for text in texts:
        heard.read(text)
    heard.finish(nearest)
    tongue = _read_tongue(texts, heard, language)
    return Spoken(
        tuple(sorted(heard.acts, key=_IMPORTANCE.__getitem__)),
        tuple(heard.questions),
        tongue.language,
        tongue.is_finglish,
        heard.talk,
    )


def _read_tongue(
    texts: Sequence[str], heard: "_Heard", language: Language | None
) -> Tongue:
    """Tell the language by what is asked, if it is, and by all that was written."""
    if heard.acts <= {Act.COMMAND, Act.UNREADABLE}:
        return read_tongue("", language)
    whole = read_tongue("\n".join(texts), language)
    if whole.is_finglish or not heard.questions:
        return whole
    return read_tongue("\n".join(heard.questions), language)


@dataclass(slots=True)
class _Heard:
    """What has been read of a burst so far."""

    acts: set[Act] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    questions: list[str] = field(default_factory=list)
    #: Sentences that ask nothing and belong to the question that follows.
    context: list[str] = field(default_factory=list)

    @property
    def talk(self) -> Talk | None:
        """Name the small talk that is answered."""
        return next((kind for kind in Talk if kind in self.groups), None)

    def read(self, text: str) -> None:
        """Read one message."""
        if _COMMAND.fullmatch(text.strip()):
            self.acts.add(Act.COMMAND)
            return
        for piece in split_pieces(_COMMAND_WORD.sub("", text)):
            self._read_piece(piece)

    def _read_piece(self, piece: str) -> None:
        words = read_words(piece)
        if not words:
            return
        is_asked = piece.rstrip("\"'»”) ").endswith((*_MARKS, "؟!"))
        reading = read_small_talk(piece, words, is_asked=is_asked)
        self.groups.update(_SAME_TALK.get(g, g) for g in reading.groups)
        rest = [w for w in words[reading.start : reading.end] if not w.is_sign]
        if reading.is_small_talk and not reading.groups and asks(piece):
            # "فردا باز هستید" has no word that is not usual in small talk.
            rest = [word for word in words if not word.is_sign]
        if not rest or _is_unreadable(piece, rest):
            return
        written = _written(piece, rest)
        handed = _find_handed_over(rest)
        if handed is not None:
            self.acts.add(handed)
            self.context.clear()
            return
        told = None if is_asked else _find_told(rest, written)
        if told is not None:
            self.groups.add(told)
            return
        # The "no" or "sorry" before it may be what tells a correction.
        if not any(
            self._correct(piece, told_words)
            for told_words in (rest, [w for w in words if not w.is_sign])
        ):
            self._read_content(written)

    def _correct(self, piece: str, words: list[Word]) -> bool:
        corrected = find_corrected(words)
        if corrected is None:
            return False
        self.acts.add(Act.CORRECTION)
        kept = words[corrected.start : corrected.stop]
        if kept:
            self._ask((_written(piece, kept),))
        return True

    def _read_content(self, written: str) -> None:
        if asks(written):
            self._ask(split_questions(written))
        else:
            self.context.append(written)

    def _ask(self, questions: Iterable[str]) -> None:
        first, *others = questions
        self.questions.append(" ".join((*self.context, first)))
        self.questions.extend(others)
        self.context.clear()

    def finish(self, nearest: Callable[[str], Act | None] | None) -> None:
        """Close the burst: what was told last, what nearness tells, all acts."""
        is_handed_over = any(act in self.acts for act in HANDED_OVER)
        if self.context and not is_handed_over:
            told = " ".join(self.context)
            if self.questions:
                self.questions[-1] += f" {told}"
            else:
                self.questions.append(told)
        if nearest is not None:
            self.questions = list(self._ask_nearest(nearest))
        if self.questions:
            self.acts.add(Act.QUESTION)
        self.acts.update(_acts_of(self.groups, is_alone=not self.acts))
        if not self.acts:
            self.acts.add(Act.UNREADABLE)

    def _ask_nearest(self, nearest: Callable[[str], Act | None]) -> Iterator[str]:
        for question in self.questions:
            act = nearest(question)
            is_small = act not in HANDED_OVER and asks(question)
            if act is None or act is Act.QUESTION or is_small:
                yield question
            else:
                self.acts.add(act)


def _acts_of(groups: set[str], *, is_alone: bool) -> Iterator[Act]:
    for group in groups:
        yield from _OF_GROUP.get(group, ())
    if any(kind in groups for kind in Talk):
        yield Act.SMALL_TALK
    if "evening" in groups:
        # "شب بخیر" parts when it is all that is said.
        parts = is_alone and groups <= {"evening", "thanks", "goodbye", "parting", "ok"}
        yield Act.GOODBYE if parts else Act.GREETING


def _find_handed_over(rest: Sequence[Word]) -> Act | None:
    return next((act for act in HANDED_OVER if has_sign(rest, act)), None)


def _find_told(rest: Sequence[Word], written: str) -> str | None:
    """Name the group of a piece that tells something which needs no search."""
    if len(rest) > _MAX_TOLD_WORDS or _MARKS[0] in written or _MARKS[1] in written:
        return None
    return next(
        (group for told, group in _TELLING.items() if has_sign(rest, told)), None
    )


def _is_unreadable(piece: str, rest: Sequence[Word]) -> bool:
    return all(is_junk(piece[word.start : word.end]) for word in rest)


def _written(piece: str, words: Sequence[Word]) -> str:
    """Return what the customer wrote, from the first word to the marks of the last."""
    end = words[-1].end
    marks = _END_MARKS.match(piece, end)
    return piece[words[0].start : marks.end() if marks else end].strip()
