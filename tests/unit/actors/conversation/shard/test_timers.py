"""Timers in memory: the earliest first, and a replaced timer never fires."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from actors.conversation.shard.timers import TimerWheel
from actors.conversation.state import TimerKind
from persistence.ids import derive_conversation_id
from tests.support.conversation.conversations import CHANNEL, NOON, at

SARA = (derive_conversation_id(CHANNEL, "sara"), TimerKind.REPLY)
REZA = (derive_conversation_id(CHANNEL, "reza"), TimerKind.REPLY)


def test_timers_fire_in_order_and_once() -> None:
    wheel = TimerWheel()
    wheel.set(SARA, at(2))
    wheel.set(REZA, at(1))
    assert wheel.pop_due(at(0.5), 10) == []
    assert wheel.pop_due(at(3), 10) == [(REZA, at(1)), (SARA, at(2))]
    assert wheel.pop_due(at(9), 10) == []


def test_predecessor_fault_s1_setting_again_replaces_the_timer_before() -> None:
    wheel = TimerWheel()
    wheel.set(SARA, at(120))
    wheel.set(SARA, at(180))
    assert wheel.pop_due(at(150), 10) == []
    assert wheel.pop_due(at(180), 10) == [(SARA, at(180))]


def test_a_cleared_timer_does_not_fire() -> None:
    wheel = TimerWheel()
    wheel.set(SARA, at(1))
    wheel.clear(SARA)
    assert wheel.next_in(at(0)) is None
    assert wheel.pop_due(at(9), 10) == []
    assert len(wheel) == 0


def test_the_next_timer_says_how_long_to_sleep() -> None:
    wheel = TimerWheel()
    wheel.set(SARA, at(5))
    assert wheel.next_in(at(2)) == timedelta(seconds=3)
    assert wheel.next_in(at(7)) == timedelta(0)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=40))
def test_it_agrees_with_a_plain_dictionary(steps: list[tuple[bool, int]]) -> None:
    wheel = TimerWheel()
    model: dict[object, int] = {}
    for is_sara, second in steps:
        key = SARA if is_sara else REZA
        wheel.set(key, at(second))
        model[key] = second
    fired = wheel.pop_due(at(25), 100)
    due = sorted((second, str(key)) for key, second in model.items() if second <= 25)
    assert sorted(((when - NOON).seconds, str(key)) for key, when in fired) == due
