"""Computes slots: the instants of a cron expression at which services are checked.

A slot is named by its instant, never by the time of a wake-up: so delays do not add up,
and two processes agree on the slot.
"""

from datetime import UTC, datetime, timedelta

from croniter import croniter

from persistence.ids import ServiceId

#: The checks of a slot start within this part of the time until the next, …
SPREAD_SHARE = 0.2
#: … but within this at most.
LONGEST_SPREAD = timedelta(seconds=4)


def slot_after(cron: str, at: datetime) -> datetime:
    """Return the first slot later than `at`."""
    slot: datetime = croniter(cron, at.astimezone(UTC)).get_next(datetime)
    return slot


def slot_at(cron: str, at: datetime) -> datetime:
    """Return the current slot at `at`: the last one that is not later."""
    # `get_prev` excludes the instant itself.
    just_after = at.astimezone(UTC) + timedelta(microseconds=1)
    slot: datetime = croniter(cron, just_after).get_prev(datetime)
    return slot


def slots_between(
    cron: str, after: datetime, before: datetime, limit: int
) -> tuple[datetime, ...]:
    """Return the newest `limit` slots later than `after` and earlier than `before`."""
    slots: list[datetime] = []
    backwards = croniter(cron, before.astimezone(UTC))
    while len(slots) < limit:
        slot: datetime = backwards.get_prev(datetime)
        if slot <= after:
            break
        slots.append(slot)
    return tuple(reversed(slots))


def spread_of(
    cron: str, slot: datetime, longest: timedelta = LONGEST_SPREAD
) -> timedelta:
    """Return the time over which the checks of a slot start."""
    return min((slot_after(cron, slot) - slot) * SPREAD_SHARE, longest)


def offset_of(service: ServiceId, spread: timedelta) -> timedelta:
    """Return the offset of a service within the spread, the same in each slot.

    A constant jitter per service keeps its checks at equal distances.
    """
    return spread * (int.from_bytes(service.bytes[-4:]) / 2**32)
