"""Exponential backoff, shared by all that tries again."""

from datetime import timedelta


def exponential_backoff(
    attempts: int, first: timedelta, longest: timedelta = timedelta.max
) -> timedelta:
    """Return the pause after so many failed attempts: `first`, doubled each time.

    Args:
        attempts: failed attempts so far, from 1 on; 0 counts as 1.
        first: the pause after the first one.
        longest: no pause is longer.
    """
    # Twenty doublings are a factor of a million; more might not fit a timedelta.
    return min(first * (1 << min(max(attempts - 1, 0), 20)), longest)
