"""Exponential backoff."""

from datetime import timedelta

from actors.backoff import exponential_backoff

SECOND = timedelta(seconds=1)


def test_each_failed_attempt_doubles_the_pause() -> None:
    pauses = [exponential_backoff(attempts, SECOND) for attempts in range(5)]
    assert pauses == [SECOND, SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]


def test_no_pause_is_longer_than_the_longest() -> None:
    assert exponential_backoff(10**9, SECOND, timedelta(minutes=1)).seconds == 60
    assert exponential_backoff(1, SECOND, SECOND / 2) == SECOND / 2


def test_many_attempts_of_a_long_pause_still_fit() -> None:
    assert exponential_backoff(10**9, timedelta(hours=1)) > timedelta(days=365)
