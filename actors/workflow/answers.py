"""The answers that a wait takes, and how they are written down."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from persiantools.jdatetime import JalaliDate

from actors.workflow.comparisons import fold_keyword, is_same
from actors.workflow.definition import AnswerKind
from retrieval.text.normalise import has_words, normalise, normalise_mildly
from retrieval.text.number_words import read_ordinal
from retrieval.text.numbers import Number, NumberKind, read_numbers

#: Of an answer that is kept.
MAX_ANSWER_CHARS = 1000
#: As the web's forms take an address; its host has a dot.
_EMAIL = re.compile(
    r"(?<![\w.%+-])[A-Za-z0-9_][A-Za-z0-9._%+-]{0,63}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w-])"
)
#: A signed number alone, or with words that are no digits.
_MINUS = re.compile(r"(?:^|\s)[-−]\s?(?=\d)|منفی")
_PHONE_DIGITS = range(8, 16)
_IRAN = "+98"
_MOBILE = re.compile(r"09\d{9}")
_LANDLINE = re.compile(r"0[1-8]\d{9}")
_DAYS: Mapping[str, int] = MappingProxyType(
    {
        "پریروز": -2,
        "دیروز": -1,
        "امروز": 0,
        "فردا": 1,
        "پسفردا": 2,
        "yesterday": -1,
        "today": 0,
        "tomorrow": 1,
    }
)
#: What may stand beside a number that chooses: «گزینه ۲», «شماره ۲».
_CHOOSING = frozenset(map(normalise, ("گزینه", "گزینه‌ی", "شماره", "شماره‌ی", "option")))


def read_answer(
    kind: AnswerKind,
    text: str,
    choices: Sequence[str],
    now: datetime,
    time_zone: str,
) -> str | None:
    """Read an answer; None if the text is none of the kind.

    Returns:
        The answer as it is kept: the words of a text; a number with Latin digits and a
        point; a mail address; a phone in international form (`+98912…`); a date as ISO
        8601, Gregorian; a choice as the workflow writes it.
    """
    text = normalise_mildly(text)
    if not has_words(text):
        return None
    match kind:
        case AnswerKind.TEXT:
            return text[:MAX_ANSWER_CHARS]
        case AnswerKind.CHOICE:
            return _read_choice(text, choices)
        case AnswerKind.DATE:
            return _read_date(text, now.astimezone(ZoneInfo(time_zone)).date())
        case _:
            return _READERS[kind](text)


def wants_to_skip(text: str, keywords: Iterable[str]) -> bool:
    """Whether the whole message is one of the keywords."""
    return bool(text.strip()) and any(is_same(text, keyword) for keyword in keywords)


def wants_to_exit(text: str, keywords: Iterable[str]) -> bool:
    """Whether the whole message is one of the keywords."""
    return wants_to_skip(text, keywords)


def describe_expected(kind: AnswerKind, choices: Sequence[str], language: str) -> str:
    """Return what is said of an answer that does not fit, as a clerk would say it."""
    texts = _EXPECTED_EN if language == "en" else _EXPECTED_FA
    said = texts[kind]
    listed = [f"{number}. {choice}" for number, choice in enumerate(choices, 1)]
    return "\n".join((said, *listed)) if kind is AnswerKind.CHOICE else said


_EXPECTED_FA: Mapping[AnswerKind, str] = MappingProxyType(
    {
        AnswerKind.TEXT: "لطفاً پاسخ را به صورت متن بنویسید.",
        AnswerKind.NUMBER: "لطفاً فقط یک عدد بنویسید.",
        AnswerKind.EMAIL: "این نشانی ایمیل کامل نیست."
        " لطفاً مانند name@example.com بنویسید.",
        AnswerKind.PHONE: "این شماره کامل نیست. لطفاً مانند ۰۹۱۲۱۲۳۴۵۶۷ بنویسید.",
        AnswerKind.DATE: "این تاریخ را متوجه نشدم. لطفاً مانند ۱۴۰۵/۰۷/۱۲ بنویسید.",
        AnswerKind.CHOICE: "لطفاً شماره‌ی یکی از این گزینه‌ها را بنویسید:",
    }
)
_EXPECTED_EN: Mapping[AnswerKind, str] = MappingProxyType(
    {
        AnswerKind.TEXT: "Please answer in words.",
        AnswerKind.NUMBER: "Please answer with a number only.",
        AnswerKind.EMAIL: "This e-mail address is not complete. Please write it like"
        " name@example.com.",
        AnswerKind.PHONE: "This number is not complete. Please write it like"
        " +14155552671.",
        AnswerKind.DATE: "I could not read this date. Please write it like 2026-10-04.",
        AnswerKind.CHOICE: "Please answer with the number of one of these:",
    }
)


def _read_number(text: str) -> str | None:
    numbers = [one for one in read_numbers(text) if not one.digits]
    if len(numbers) != 1 or numbers[0].kind in {NumberKind.DATE, NumberKind.TIME}:
        return None
    value = numbers[0].value
    sign = -1 if _MINUS.search(text[: numbers[0].end]) and value else 1
    return format(Decimal(sign) * value.normalize(), "f")


def _read_email(text: str) -> str | None:
    found = {_lower_host(match) for match in _EMAIL.findall(text) if ".." not in match}
    return found.pop() if len(found) == 1 else None


def _lower_host(address: str) -> str:
    name, host = address.rsplit("@", 1)
    return f"{name}@{host.lower()}"


def _read_phone(text: str) -> str | None:
    found = {one.digits for one in read_numbers(text) if one.kind is NumberKind.PHONE}
    if len(found) != 1:
        return None
    digits = found.pop()
    if _MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits):
        return f"{_IRAN}{digits[1:]}"
    if digits.startswith("0") or len(digits) not in _PHONE_DIGITS:
        return None
    return f"+{digits}"


_READERS: Mapping[AnswerKind, Callable[[str], str | None]] = MappingProxyType(
    {
        AnswerKind.NUMBER: _read_number,
        AnswerKind.EMAIL: _read_email,
        AnswerKind.PHONE: _read_phone,
    }
)


def _read_date(text: str, today: date) -> str | None:
    words = normalise(text).replace(" ", "")
    for word, days in _DAYS.items():
        if words == word:
            return (today + timedelta(days=days)).isoformat()
    dates = [one for one in read_numbers(text) if one.kind is NumberKind.DATE]
    found = {day for one in dates if (day := _to_day(one, today)) is not None}
    # A date that is impossible beside a possible one leaves it unclear which is meant.
    return found.pop().isoformat() if len(found) == len(dates) == 1 else None


def _to_day(number: Number, today: date) -> date | None:
    """Return the Gregorian day of a date; without a year, the next one that comes."""
    year, rest = divmod(int(number.value), 10_000)
    month, day = divmod(rest, 100)
    is_jalali = number.unit == "jalali"
    if year:
        return _build_day(year, month, day, is_jalali=is_jalali)
    this_year = JalaliDate(today).year if is_jalali else today.year
    # A leap day may be four years away.
    for candidate in range(this_year, this_year + 9):
        found = _build_day(candidate, month, day, is_jalali=is_jalali)
        if found is not None and found >= today:
            return found
    return None


def _build_day(year: int, month: int, day: int, *, is_jalali: bool) -> date | None:
    try:
        if is_jalali:
            return JalaliDate(year, month, day).to_gregorian()
        return date(year, month, day)
    except ValueError:
        return None


def _read_choice(text: str, choices: Sequence[str]) -> str | None:
    """Choose by the words, by the number, or by a beginning that fits one only."""
    said = fold_keyword(text)
    exact = [choice for choice in choices if fold_keyword(choice) == said]
    if exact:
        return exact[0]
    number = _read_place(text)
    if number is not None:
        return choices[number - 1] if 1 <= number <= len(choices) else None
    named = _find_named(normalise(text).split(), choices)
    return named[0] if len(named) == 1 else None


def _find_named(words: Sequence[str], choices: Sequence[str]) -> list[str]:
    """Return the choices that a text names, in full or by a first word of their own."""
    said = f" {' '.join(words)} "
    spelled = {choice: f" {normalise(choice)} " for choice in choices}
    full = [choice for choice in choices if spelled[choice] in said]
    firsts = [spelled[choice].split()[:1] for choice in choices]
    return [
        choice
        for choice, first in zip(choices, firsts, strict=True)
        if (choice in full and not _is_part(spelled[choice], full, spelled))
        or (firsts.count(first) == 1 and first and first[0] in words)
    ]


def _is_part(text: str, others: Iterable[str], spelled: Mapping[str, str]) -> bool:
    """Whether a choice is only a part of another one that is named."""
    return any(text in spelled[other] != text for other in others)


def _read_place(text: str) -> int | None:
    """Read the number of a choice, if the text is nothing else."""
    words = [word for word in normalise(text).split() if word not in _CHOOSING]
    if len(words) != 1:
        return None
    if words[0].isdecimal():
        return int(words[0])
    # «دومی» is «دوم» of somebody who points.
    ordinal = read_ordinal(words[0]) or read_ordinal(words[0].removesuffix("ی"))
    if ordinal is not None:
        return ordinal
    numbers = read_numbers(words[0])
    is_whole = len(numbers) == 1 and numbers[0].value == int(numbers[0].value)
    return int(numbers[0].value) if is_whole else None
