"""The faults of a simulated history, drawn from its seed."""

from dataclasses import dataclass, fields
from random import Random


@dataclass(slots=True)
class Faults:
    """Chances per occasion, 0 to 1; of crashes, per step of the loop."""

    #: A webhook is delivered again although it was taken.
    doubled_webhook: float = 0.0
    #: A webhook comes late, so that others overtake it.
    late_webhook: float = 0.0
    #: The platform is slow; a part waits for the semaphore longer than its lease.
    slow_send: float = 0.0
    #: The platform says "later".
    refused_send: float = 0.0
    #: The platform says no for good.
    forbidden_send: float = 0.0
    #: The call to the platform times out, having arrived or not.
    lost_send: float = 0.0
    #: The echo of our message comes after our timeout has ended, or never.
    late_echo: float = 0.0
    lost_echo: float = 0.0
    #: A profile look-up is late, or fails.
    untold_name: float = 0.0
    #: The answering side is slow, fails, breaks, or returns what can't be stored.
    slow_answer: float = 0.0
    failed_answer: float = 0.0
    broken_answer: float = 0.0
    #: Seconds that a statement takes at most, one way: a slow one makes large batches.
    trip_s: float = 0.002
    #: A statement's answer is lost, after it was carried out or before.
    lost_statement: float = 0.0
    crashes: float = 0.0
    #: A second process claims the shard of one that lives on.
    cut_offs: float = 0.0
    #: Per second.
    outages: float = 0.0

    def end(self) -> None:
        """End all faults: everything that is owed must come in the end."""
        for fault in fields(self):
            setattr(self, fault.name, fault.default)


def draw_faults(random: Random, others: Random) -> Faults:
    """Draw which faults a history has; few of them make a story easy to read.

    Younger ones come from a stream of their own: histories stay what they were.
    """
    return Faults(
        doubled_webhook=_some(random, 0.3),
        late_webhook=_some(random, 0.3),
        refused_send=_some(random, 0.3),
        forbidden_send=_some(random, 0.1),
        lost_send=_some(random, 0.5),
        late_echo=_some(random, 0.6),
        lost_echo=_some(random, 0.3),
        slow_answer=_some(random, 0.4),
        failed_answer=_some(random, 0.2),
        broken_answer=_some(random, 0.1),
        trip_s=random.choice((0.002, 0.002, 0.03, 0.3)),
        lost_statement=_some(random, 0.15),
        crashes=_some(random, 0.004),
        cut_offs=_some(random, 0.002),
        outages=_some(random, 0.03),
        untold_name=_some(others, 0.5),
        slow_send=_some(others, 1.0),
    )


def _some(random: Random, most: float) -> float:
    """Return 0 in half of all cases, else up to `most`."""
    return random.uniform(0, most) if random.random() < 0.5 else 0.0
