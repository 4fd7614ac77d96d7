"""Recognises greetings and thanks, which are answered in kind without a search."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from config.prompts import FAREWELL, GREETING, WELCOME
from retrieval.data.loading import load_groups
from retrieval.text.normalise import normalise

#: A longer text is a question or a statement, whatever its words are.
MAX_WORDS = 8
_APPLAUSE = frozenset("👍👌👏🙏❤♥💙💚💛💜🧡💖😍🥰😘😊🙂😄😁🌹🌸🌺🌷💐✅")
#: Sent by Telegram in the customer's name when they open a bot, by a link or not.
_START = re.compile(r"/start(@\w+)?(\s+[\w-]{1,64})?", re.ASCII)
_STRETCHED = re.compile(r"(.)\1{2,}")


@dataclass(frozen=True, slots=True)
class _Kind:
    """Small talk of one kind: one of its marks is there, and nothing but its words.

    "ممنون از شما" is thanks, "ممنون، کی می‌رسه" asks something, "شما" is nothing.
    """

    replies: Mapping[str, str]
    marks: frozenset[str]
    words: frozenset[str]

    def fits(self, words: list[str]) -> bool:
        return not self.marks.isdisjoint(words) and self.words.issuperset(words)


_WORDS = load_groups(
    "dialogue/small_talk.tsv",
    (
        "hello",
        "around_hello",
        "thanks",
        "around_thanks",
        "goodbye",
        "around_goodbye",
        "good_night",
        "around_good_night",
    ),
)


def _all_of(*groups: str) -> frozenset[str]:
    return frozenset(
        word
        for group in groups
        for text in _WORDS[group]
        for word in normalise(text).split()
    )


_EVERY_THANKS = ("thanks", "around_thanks")
# Who thanks and leaves is bidden goodbye; who greets and thanks is thanked back.
_KINDS = (
    _Kind(
        FAREWELL,
        _all_of("goodbye"),
        _all_of("goodbye", "around_goodbye", *_EVERY_THANKS),
    ),
    _Kind(FAREWELL, _all_of("good_night"), _all_of("good_night", "around_good_night")),
    _Kind(FAREWELL, frozenset({"شب"}), frozenset({"شب", "بخیر"})),
    _Kind(WELCOME, _all_of("thanks"), _all_of("hello", *_EVERY_THANKS)),
    _Kind(GREETING, _all_of("hello"), _all_of("hello", "around_hello")),
)


def reply_to_small_talk(text: str, language: str) -> str | None:
    """Return a reply in kind; None when the text asks something."""
    replies = _recognise(text)
    return None if replies is None else replies[language]


def drop_small_talk(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Leave greetings out of a burst, unless there is nothing else."""
    asking = tuple(text for text in texts if _recognise(text) is None)
    return asking or texts


def _recognise(text: str) -> Mapping[str, str] | None:
    if _START.fullmatch(text.strip()):
        return GREETING
    words = [_STRETCHED.sub(r"\1", word) for word in normalise(text).split()]
    if not words:
        return WELCOME if _is_applause(text) else None
    if len(words) > MAX_WORDS:
        return None
    return next((kind.replies for kind in _KINDS if kind.fits(words)), None)


def _is_applause(text: str) -> bool:
    """Tell a bare heart or thumb, which is thanks, from other emoji and marks."""
    signs = {sign for sign in text if not sign.isspace()} - set("!.\ufe0f")
    return bool(signs) and _APPLAUSE.issuperset(signs)
