"""Whether failures are the services' or our own network's: the rule, without I/O."""

from collections.abc import Iterable

from actors.monitor.checks.outcome import FailureKind, Outcome

#: So many hosts don't vanish in one slot by chance.
LOST_TOGETHER = 3
LOST = "our own network is gone"


def is_network_lost(outcomes: Iterable[Outcome]) -> bool:
    """Judge a slot's outcomes together.

    One answer from outside proves the network. Without any it is ours that is gone
    when the system says so itself, or when several hosts are away at once.
    """
    found = list(outcomes)
    if any(outcome.is_outside for outcome in found):
        return False
    lost = [outcome for outcome in found if outcome.is_doubtful]
    if any(outcome.failure is FailureKind.OFFLINE for outcome in lost):
        return True
    return len({outcome.host for outcome in lost}) >= LOST_TOGETHER
