"""Recognises greetings and thanks, which are answered in kind without a search."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from config.prompts import FAREWELL, GREETING, WELCOME
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


def _words(text: str) -> frozenset[str]:
    return frozenset(normalise(text).split())


_HELLO = _words(
    "سلام درود الو hi hello hey hiya salam بخیر خسته morning afternoon evening"
)
_AROUND_HELLO = _words(
    "های علیکم و عرض ادب احترام بر به شما عزیزم عزیز جان دوستان همگی وقت وقتتون صبح "
    "ظهر عصر روز روزتون شب نباشید نباشی نباشین خوب خوبی خوبید خوبین هستی هستید "
    "هستین حال حالتون حالت چطوری چطورید چطورین چطوره good day there dear all "
    "everyone how are you"
)
_THANK = _words(
    "ممنون ممنونم ممنونیم مرسی مچکر مچکرم متشکر متشکرم تشکر سپاس سپاسگزار سپاسگزارم "
    "دمتون دمت دستتون دستت اوکی اوکیه باشه عالی عالیه حله چشم "
    "thanks thank thx ty ok okay great perfect"
)
_AROUND_THANK = _words(
    "خیلی بسیار از شما بابت لطف لطفتون کردید کردین راهنمایی راهنماییتون پاسخ پاسختون "
    "پاسخگویی پاسخگوییتون جواب جوابتون زحمت کشیدید کشیدین گرم درد نکنه بود "
    "you so very much a lot many for your the help answer"
)
_BYE = _words("خداحافظ خدافظ خدانگهدار خدانگهدارتون بای فعلا bye goodbye")
_AROUND_BYE = _words("شما good have a nice day you see")
_NIGHT = _words("خوش night")

# Who thanks and leaves is bidden goodbye; who greets and thanks is thanked back.
_KINDS = (
    _Kind(FAREWELL, _BYE, _BYE | _AROUND_BYE | _THANK | _AROUND_THANK),
    _Kind(FAREWELL, _NIGHT, _NIGHT | _words("روز روزتون شب شبتون وقت good")),
    _Kind(FAREWELL, _words("شب"), _words("شب بخیر")),
    _Kind(WELCOME, _THANK, _THANK | _AROUND_THANK | _HELLO),
    _Kind(GREETING, _HELLO, _HELLO | _AROUND_HELLO),
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
