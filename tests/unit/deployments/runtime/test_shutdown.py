"""The wish to stop, and steps that are left when it comes."""

import signal
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from deployments.runtime.errors import StopRequestedError
from deployments.runtime.shutdown import SIGNALS, StepThread, StopSignal, finish

LONG = timedelta(seconds=15)


@pytest.fixture
def stop() -> StopSignal:
    return StopSignal()


@pytest.fixture
def hangs() -> Iterator[threading.Event]:
    """An event that a hanging step waits for."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("number", SIGNALS)
def test_each_signal_is_a_wish_and_the_second_is_a_hurry(
    stop: StopSignal, number: signal.Signals
) -> None:
    stop.listen()
    assert not stop.is_asked
    signal.raise_signal(number)
    assert stop.is_asked
    assert not stop.is_hurried
    signal.raise_signal(number)
    assert stop.is_hurried


@pytest.mark.usefixtures("_handlers")
def test_the_alarm_of_rays_native_code_is_silenced(stop: StopSignal) -> None:
    stop.listen()
    signal.alarm(3)
    signal.raise_signal(signal.SIGTERM)
    assert signal.alarm(0) == 0


def test_steps_run_one_after_another_in_one_thread(stop: StopSignal) -> None:
    steps = StepThread(stop)
    threads = [steps.run(threading.get_ident) for _ in range(3)]
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


def test_a_step_that_fails_of_the_signal_itself_is_no_failure(stop: StopSignal) -> None:
    # Ctrl-C in a terminal ends what Ray has started as well, and Ray says so.
    def break_off() -> None:
        stop.ask()
        message = "RPC error: CANCELLED"
        raise RuntimeError(message)

    with pytest.raises(StopRequestedError):
        StepThread(stop).run(break_off)


def test_what_a_step_raises_is_raised_to_the_caller(stop: StopSignal) -> None:
    with pytest.raises(ZeroDivisionError):
        StepThread(stop).run(lambda: 1 // 0)


def test_no_step_begins_when_a_stop_is_wished(stop: StopSignal) -> None:
    stop.ask()
    done: list[int] = []
    with pytest.raises(StopRequestedError):
        StepThread(stop).run(lambda: done.append(1))
    assert done == []


def test_a_step_that_is_through_in_time_still_ends_the_start(stop: StopSignal) -> None:
    with pytest.raises(StopRequestedError):
        StepThread(stop).run(stop.ask)


def test_a_hanging_step_is_left_at_once_in_a_hurry(
    stop: StopSignal, hangs: threading.Event
) -> None:
    def hang() -> None:
        stop.ask()
        stop.ask()
        hangs.wait()

    with pytest.raises(StopRequestedError):
        StepThread(stop).run(hang)


def test_a_step_of_the_stop_says_whether_it_came_to_its_end(
    hangs: threading.Event,
) -> None:
    assert finish(lambda: None, LONG)
    assert not finish(hangs.wait, timedelta(0))
    assert not finish(hangs.wait, LONG, give_up=lambda: True)
    with pytest.raises(ZeroDivisionError):
        finish(lambda: 1 // 0, LONG)
