"""Slots come from the calendar alone."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from actors.monitor.checks.slots import (
    offset_of,
    slot_after,
    slot_at,
    slots_between,
    spread_of,
)
from persistence.ids import ServiceId

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIVE = "*/5 * * * *"
INSTANTS = st.datetimes(
    datetime(2024, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    datetime(2030, 1, 1),  # noqa: DTZ001 - the same
    timezones=st.just(UTC),
)


def test_a_slot_is_on_from_its_instant_to_the_next() -> None:
    assert slot_at(FIVE, NOON) == NOON
    assert slot_at(FIVE, NOON + timedelta(minutes=4, seconds=59)) == NOON
    assert slot_after(FIVE, NOON) == NOON + timedelta(minutes=5)


@given(INSTANTS)
def test_waking_late_does_not_move_the_next_slot(at: datetime) -> None:
    slot = slot_at(FIVE, at)
    assert slot <= at < slot_after(FIVE, slot)
    assert slot_after(FIVE, at) == slot_after(FIVE, slot)
    assert (slot.minute % 5, slot.second, slot.microsecond) == (0, 0, 0)


def test_another_time_zone_names_the_same_slot() -> None:
    tehran = timezone(timedelta(hours=3, minutes=30))
    assert slot_at("0 3 * * *", NOON.astimezone(tehran)) == NOON.replace(hour=3)


def test_the_slots_between_two_are_neither_of_them() -> None:
    found = slots_between(FIVE, NOON, NOON + timedelta(minutes=20), 10)
    assert [slot - NOON for slot in found] == [
        timedelta(minutes=minutes) for minutes in (5, 10, 15)
    ]
    assert slots_between(FIVE, NOON, NOON + timedelta(minutes=5), 10) == ()
    newest = slots_between(FIVE, NOON, NOON + timedelta(days=1), 2)
    assert newest[-1] == NOON + timedelta(days=1, minutes=-5)
    assert len(newest) == 2


def test_seconds_can_be_told() -> None:
    assert slot_after("* * * * * */10", NOON) - NOON == timedelta(seconds=10)


def test_jitter_stays_with_its_service_and_within_the_spread() -> None:
    assert spread_of(FIVE, NOON) == timedelta(seconds=4)
    assert spread_of("* * * * * */10", NOON) == timedelta(seconds=2)
    spread = timedelta(seconds=4)
    first, last = ServiceId(UUID(int=0)), ServiceId(UUID(int=2**128 - 1))
    assert offset_of(first, spread) == timedelta(0)
    assert offset_of(last, spread) <= spread
    any_one = ServiceId(uuid4())
    assert offset_of(any_one, spread) == offset_of(any_one, spread)
