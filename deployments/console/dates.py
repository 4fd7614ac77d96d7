"""Dates and numbers as people of each language read them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from persiantools.digits import en_to_fa
from persiantools.jdatetime import JalaliDate

from deployments.console.words.terms import Language, Words

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Dates:
    """Writes times in a shop's time zone: Jalali in Persian, Gregorian in English."""

    def __init__(
        self, words: Words, language: Language, zone: ZoneInfo, now: datetime
    ) -> None:
        self._words = words
        self._is_persian = language is Language.FA
        self._zone = zone
        self._now = now

    def number(self, value: object) -> str:
        """Write a number with the language's digits."""
        text = str(value)
        return str(en_to_fa(text)) if self._is_persian else text

    def clock(self, at: datetime) -> str:
        """Write the time of day, as 21:40."""
        return self.number(f"{at.astimezone(self._zone):%H:%M}")

    def day(self, at: datetime) -> str:
        """Write a day: today, yesterday, or weekday and date."""
        day, today = at.astimezone(self._zone).date(), self._now.astimezone(self._zone)
        if day == today.date():
            return self._words.today
        if day == today.date() - _DAY:
            return self._words.yesterday
        weekday = self._words.weekdays[day.weekday()]
        year, month, number = self._calendar(day)
        text = f"{weekday} {self.number(number)} {self._words.months[month - 1]}"
        if year != self._calendar(today.date())[0]:
            text += f" {self.number(year)}"
        return text

    def _calendar(self, day: date) -> tuple[int, int, int]:
        shown = JalaliDate(day) if self._is_persian else day
        return shown.year, shown.month, shown.day

    def key(self, at: datetime) -> str:
        """Name a day, as 2026-12-01."""
        return at.astimezone(self._zone).date().isoformat()

    @property
    def now(self) -> datetime:
        """The moment of the answer."""
        return self._now

    def moment(self, at: datetime) -> str:
        """Write a time of day, with its day unless that is today."""
        is_today = self.day(at) == self._words.today
        return self.clock(at) if is_today else f"{self.day(at)} {self.clock(at)}"

    def wait_since(self, at: datetime) -> str:
        """Write how long a customer has waited."""
        if self._now - at < _MINUTE:
            return self._words.waits_now
        return self._words.waits.format(span=self.span_since(at))

    def span_since(self, at: datetime) -> str:
        """Write how long ago a moment was, in its largest unit."""
        span = max(timedelta(), self._now - at)
        if span < _MINUTE:
            return self._words.now
        if span < _HOUR:
            return self._words.minutes.format(n=self.number(span // _MINUTE))
        if span < _DAY:
            return self._words.hours.format(n=self.number(span // _HOUR))
        return self._words.days.format(n=self.number(span // _DAY))
