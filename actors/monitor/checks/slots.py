"""When services are checked: instants of a cron expression, by the calendar alone.

A slot is named by its instant, never by when we woke up: lateness does not add up, and
two processes speak of the same slot.
"""

from datetime import UTC, datetime, timedelta

from croniter import croniter

from persistence.ids import ServiceId

#: The checks of a slot begin over this part of the time until the next, …
SPREAD_SHARE = 0.2
#: … but not over more than this.
LONGEST_SPREAD = timedelta(seconds=4)


def slot_after(cron: str, at: datetime) -> datetime:
    """Return the first slot later than `at`."""
    found: datetime = croniter(cron, at.astimezone(UTC)).get_next(datetime)
    return found


def slot_at(cron: str, at: datetime) -> datetime:
    """Return the slot that is on at `at`: the last one not later than it."""
    # One that begins at this very instant is not before it.
    just_after = at.astimezone(UTC) + timedelta(microseconds=1)
    found: datetime = croniter(cron, just_after).get_prev(datetime)
    return found


def slots_between(
    cron: str, after: datetime, before: datetime, limit: int
) -> tuple[datetime, ...]:
    """Return the newest `limit` slots later than `after` and earlier than `before`."""
    found: list[datetime] = []
    backwards = croniter(cron, before.astimezone(UTC))
    while len(found) < limit:
        slot: datetime = backwards.get_prev(datetime)
        if slot <= after:
            break
        found.append(slot)
    return tuple(reversed(found))


def spread_of(
    cron: str, slot: datetime, longest: timedelta = LONGEST_SPREAD
) -> timedelta:
    """Return over how long the checks of a slot begin."""
    return min((slot_after(cron, slot) - slot) * SPREAD_SHARE, longest)


def offset_of(service: ServiceId, spread: timedelta) -> timedelta:
    """Return when within the spread a service is checked: the same in each slot.

    Jitter that stays with the service keeps its checks at equal distances.
    """
    return spread * (int.from_bytes(service.bytes[-4:]) / 2**32)
