"""What a service's owner decides: when it is down, and how often to be told."""

from dataclasses import dataclass
from datetime import timedelta

from persistence.monitor import Service


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds of one service."""

    #: So many failures in a row make it down.
    failure_threshold: int = 3
    #: So many passes in a row bring it back.
    success_threshold: int = 2
    #: A pass that took longer is a slow one; None where slowness does not matter.
    degraded_after_ms: float | None = None
    #: The least distance between two notices of trouble.
    cooldown: timedelta = timedelta(minutes=15)
    #: While it stays down it is told again after that; zero for never.
    reminder: timedelta = timedelta(hours=6)


def rules_of(service: Service) -> Rules:
    """Read a service's rules."""
    return Rules(
        failure_threshold=service.failure_threshold,
        success_threshold=service.success_threshold,
        degraded_after_ms=service.degraded_after_ms,
        cooldown=timedelta(seconds=service.cooldown_s),
        reminder=timedelta(seconds=service.reminder_s),
    )
