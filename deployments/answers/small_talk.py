"""Greetings and thanks, which ask nothing: answered in kind, without a search."""

from collections.abc import Mapping

from config.prompts import FAREWELL, GREETING, WELCOME
from retrieval.normalise import normalise

_GREETINGS = (
    "سلام", "درود", "سلام وقت بخیر", "سلام خسته نباشید", "سلام روز بخیر", "وقت بخیر",
    "روز بخیر", "صبح بخیر", "عصر بخیر", "شب بخیر سلام", "سلام خوبید", "سلام خوبین",
    "سلام خوبی", "سلام علیکم", "خسته نباشید", "سلام و درود", "سلام عزیزم", "الو",
    "hi", "hello", "hey", "hi there", "hello there", "good morning", "good evening",
    "good afternoon",
)  # fmt: skip
_THANKS = (
    "ممنون", "ممنونم", "مرسی", "تشکر", "سپاس", "متشکرم", "خیلی ممنون",
    "دستتون درد نکنه",
    "دستت درد نکنه", "ممنون از شما", "ممنون از راهنماییتون", "مرسی ممنون", "سپاسگزارم",
    "باشه ممنون", "باشه مرسی", "اوکی ممنون", "عالی ممنون",
    "thanks", "thank you", "thx", "thank you very much", "thanks a lot", "ok thanks",
)  # fmt: skip
_FAREWELLS = (
    "خداحافظ", "خدافظ", "فعلا", "روز خوش", "شب خوش", "شب بخیر", "بای",
    "bye", "goodbye", "good night",
)  # fmt: skip

_REPLIES: Mapping[str, Mapping[str, str]] = {
    **{normalise(words): GREETING for words in _GREETINGS},
    **{normalise(words): WELCOME for words in _THANKS},
    **{normalise(words): FAREWELL for words in _FAREWELLS},
}


def reply_to_small_talk(text: str, language: str) -> str | None:
    """Return an answer in kind; None when the text asks something."""
    replies = _REPLIES.get(normalise(text).strip())
    return None if replies is None else replies[language]


def drop_small_talk(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Leave greetings out of a burst, unless there is nothing else."""
    asking = tuple(t for t in texts if normalise(t).strip() not in _REPLIES)
    return asking or texts
