"""The finding of a check, and the event, rows and log line made from it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from actors.monitor.checks.outcome import NETWORK_LOST, Outcome
from actors.monitor.rules import events
from actors.monitor.rules.effects import Notify
from actors.monitor.rules.wording import render_alert
from persistence.ids import AlertId, ResultId, derive_alert_id
from persistence.monitor import AlertRow, CheckRow
from persistence.watch import Watched


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


def build_event(
    finding: Finding,
) -> events.Event:
    """Build the event for the rules."""
    outcome, in_maintenance = finding.outcome, finding.watched.in_maintenance
    if outcome is None:
        return events.CheckMissed(finding.id, finding.at, finding.missed)
    if finding.is_network_lost:
        return events.NetworkLost(finding.id, finding.at, NETWORK_LOST, in_maintenance)
    if outcome.passed:
        return events.CheckPassed(
            finding.id,
            finding.at,
            outcome.latency_ms or 0.0,
            outcome.tls_expires_at,
            in_maintenance,
        )
    return events.CheckFailed(
        finding.id, finding.at, outcome.error or "", in_maintenance
    )


def build_row(finding: Finding) -> CheckRow:
    """Build the row of the result."""
    service, outcome = finding.watched.service, finding.outcome
    if outcome is None:
        return CheckRow(
            id=finding.id,
            tenant_id=service.tenant_id,
            service_id=service.id,
            slot_at=finding.slot_at,
            checked_at=finding.at,
            status_code=None,
            ok=False,
            latency_ms=None,
            attempts=0,
            error=finding.missed,
            missed=True,
        )
    metadata = dict(outcome.metadata)
    if outcome.failure is not None:
        metadata["failure"] = outcome.failure.value
    if finding.is_network_lost:
        metadata["network_lost"] = True
    if finding.watched.in_maintenance:
        metadata["maintenance"] = True
    return CheckRow(
        id=finding.id,
        tenant_id=service.tenant_id,
        service_id=service.id,
        slot_at=finding.slot_at,
        checked_at=finding.at,
        status_code=outcome.status_code,
        ok=outcome.passed,
        latency_ms=outcome.latency_ms,
        attempts=outcome.attempts,
        error=outcome.error,
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
