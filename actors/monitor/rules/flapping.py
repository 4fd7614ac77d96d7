"""Whether a service goes to and fro: a count of changes, with a gap between its ends.

The two ends are those of Nagios' flap detection, on outcomes instead of states.
"""

from collections.abc import Sequence
from itertools import pairwise

#: Changes among the last 20 outcomes at which flapping begins, and at which it ends.
BEGINS_AT = 8
ENDS_AT = 3


def count_changes(history: Sequence[bool]) -> int:
    """Count how often the outcome was another than the one before."""
    return sum(first != second for first, second in pairwise(history))


def is_flapping(history: Sequence[bool], *, was_flapping: bool) -> bool:
    """Say whether the service flaps now."""
    changes = count_changes(history)
    return changes > ENDS_AT if was_flapping else changes >= BEGINS_AT
