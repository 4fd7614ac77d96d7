"""Thresholds of a service: when it counts as down, and how often to alert."""

from dataclasses import dataclass
from datetime import timedelta

from persistence.monitor import Service


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The thresholds of one service."""

    #: Failures in a row that make it down.
    failure_threshold: int = 3
    #: Passes in a row that bring it back.
    success_threshold: int = 2
    #: A pass that took longer counts as slow; None switches that off.
    degraded_after_ms: float | None = None
    #: The least time between two alerts of trouble.
    cooldown: timedelta = timedelta(minutes=15)
    #: While it stays down, an alert repeats after this; zero means never.
    reminder: timedelta = timedelta(hours=6)


def rules_of(service: Service) -> AlertRules:
    """Build the rules of a service."""
    return AlertRules(
        failure_threshold=service.failure_threshold,
        success_threshold=service.success_threshold,
        degraded_after_ms=service.degraded_after_ms,
        cooldown=timedelta(seconds=service.cooldown_s),
        reminder=timedelta(seconds=service.reminder_s),
    )
