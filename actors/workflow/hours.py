"""Whether a business is open at an instant, by its own clock."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.workflow.definition import BusinessHours, OpenHours

DAYS_OF_WEEK = 7
_END_OF_DAY = "24:00"


def is_open(hours: BusinessHours, now: datetime) -> bool:
    """Whether the business is open; `now` is aware.

    Hours that close at or before they open end on the next day. An exception's hours
    replace those of the weekday, but not the night that began the day before.
    """
    if not hours.week:
        return True
    local = now.astimezone(ZoneInfo(hours.time_zone))
    minute = _minutes(local.time())
    today = _hours_of(hours, local)
    before = _hours_of(hours, local - timedelta(days=1))
    return any(_begins_open(one, minute) for one in today) or any(
        _lasts_over_midnight(one) and minute < _close(one) for one in before
    )


def check_hours(hours: BusinessHours) -> str | None:
    """Return what is wrong with hours; None if nothing is."""
    if not is_time_zone(hours.time_zone):
        return f"time_zone: {hours.time_zone!r} is no time zone, such as Asia/Tehran"
    if hours.week and len(hours.week) != DAYS_OF_WEEK:
        return "week: must have seven days, Monday first, or none at all"
    days = [one.day for one in hours.exceptions]
    if len(set(days)) < len(days):
        return "exceptions: a day stands twice"
    return None


def is_time_zone(name: str) -> bool:
    """Whether the time zone is known."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _hours_of(hours: BusinessHours, local: datetime) -> Iterable[OpenHours]:
    for exception in hours.exceptions:
        if exception.day == local.date():
            return exception.hours
    return hours.week[local.weekday()]


def _begins_open(one: OpenHours, minute: int) -> bool:
    if minute < _read(one.opens):
        return False
    return _lasts_over_midnight(one) or minute < _close(one)


def _lasts_over_midnight(one: OpenHours) -> bool:
    return one.closes != _END_OF_DAY and _close(one) <= _read(one.opens)


def _close(one: OpenHours) -> int:
    return _read(one.closes)


def _read(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
