"""The finding of a check, and the event, rows and log line made from it."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

from actors.monitor.checks.outcome import NETWORK_LOST, Outcome
from actors.monitor.rules import events
from actors.monitor.rules.decide import Notify
from actors.monitor.rules.wording import render_alert
from persistence.ids import AlertId, ResultId, derive_alert_id
from persistence.monitor import AlertRow, CheckRow
from persistence.watch import Watched

NOT_STORED = "the check failed; its details could not be stored"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a service's check, or the reason why there was none."""

    id: ResultId
    watched: Watched
    slot_at: datetime | None
    at: datetime
    outcome: Outcome | None
    #: The reason why there is no outcome.
    missed: str = ""
    is_network_lost: bool = False
    #: Resolved when the result is stored.
    done: "asyncio.Future[CheckRow] | None" = None

    @property
    def is_excused(self) -> bool:
        """Whether the outcome says nothing about the service."""
        return self.watched.in_maintenance or self.is_network_lost

    def strip(self) -> "Finding":
        """Return the bare finding, without what a checked server has said."""
        if self.outcome is None:
            return self
        error = None if self.outcome.passed else NOT_STORED
        bare = replace(self.outcome, error=error, metadata={}, tls_expires_at=None)
        return replace(self, outcome=bare)

    def build_event(self) -> events.Event:
        """Build the event for the rules."""
        outcome, in_maintenance = self.outcome, self.watched.in_maintenance
        if outcome is None:
            return events.CheckMissed(self.id, self.at, self.missed)
        if self.is_network_lost:
            return events.NetworkLost(self.id, self.at, NETWORK_LOST, in_maintenance)
        if outcome.passed:
            return events.CheckPassed(
                self.id,
                self.at,
                outcome.latency_ms or 0.0,
                outcome.tls_expires_at,
                in_maintenance,
            )
        return events.CheckFailed(self.id, self.at, outcome.error or "", in_maintenance)

    def build_row(self) -> CheckRow:
        """Build the row of the result."""
        service, is_missed = self.watched.service, self.outcome is None
        outcome = self.outcome or Outcome(attempts=0, error=self.missed)
        metadata = dict(outcome.metadata)
        if outcome.failure is not None:
            metadata["failure"] = outcome.failure.value
        if self.is_network_lost:
            metadata["network_lost"] = True
        if self.watched.in_maintenance and not is_missed:
            metadata["maintenance"] = True
        return CheckRow(
            id=self.id,
            tenant_id=service.tenant_id,
            service_id=service.id,
            slot_at=self.slot_at,
            checked_at=self.at,
            status_code=outcome.status_code,
            ok=outcome.passed and not is_missed,
            latency_ms=outcome.latency_ms,
            attempts=outcome.attempts,
            error=outcome.error,
            missed=is_missed,
            tls_expires_at=outcome.tls_expires_at,
            metadata=metadata,
        )


def build_alert(notify: Notify, watched: Watched) -> AlertRow:
    """Build the row of an alert."""
    service = watched.service
    facts: dict[str, object] = {
        "service": service.name,
        "reason": notify.reason,
        "result_id": str(notify.cause),
    }
    if notify.down_for is not None:
        facts["down_for_s"] = notify.down_for.total_seconds()
    if notify.tls_expires_at is not None:
        facts["tls_expires_at"] = notify.tls_expires_at.isoformat()
    if notify.score is not None:
        facts |= {"feature": notify.feature, "score": notify.score}
    return AlertRow(
        id=AlertId(derive_alert_id(notify.cause, notify.kind)),
        tenant_id=service.tenant_id,
        service_id=service.id,
        kind=notify.kind,
        incident_id=notify.incident_id,
        text=render_alert(notify, service.name, watched.language),
        facts=facts,
        created_at=notify.at,
    )


def build_line(row: CheckRow, service: str, status: str) -> dict[str, object]:
    """Build the line of `health.log`."""
    return {
        "checked_at": row.checked_at,
        "slot_at": row.slot_at,
        "service": service,
        "service_id": row.service_id,
        "tenant_id": row.tenant_id,
        "result_id": row.id,
        "ok": row.ok,
        "status": status,
        "status_code": row.status_code,
        "latency_ms": None if row.latency_ms is None else round(row.latency_ms, 2),
        "attempts": row.attempts,
        "missed": row.missed,
        "error": row.error,
    }
