"""A result on its way to the database, and what is made of it there."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from actors.monitor.checks.network import LOST
from actors.monitor.checks.outcome import Outcome
from actors.monitor.rules.effects import Tell
from actors.monitor.rules.events import (
    CheckFailed,
    CheckMissed,
    CheckPassed,
    NetworkLost,
)
from actors.monitor.rules.wording import render_notice
from persistence.ids import AlertId, ResultId, derive_alert_id
from persistence.monitor import AlertRow, CheckRow
from persistence.watch import Watched


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check of a service found, or why there was none."""

    id: ResultId
    watched: Watched
    slot_at: datetime | None
    at: datetime
    outcome: Outcome | None
    #: Why nobody checked, when there is no outcome.
    missed: str = ""
    is_network_lost: bool = False
    #: Who waits for it to be stored.
    done: "asyncio.Future[CheckRow] | None" = None

    @property
    def is_excused(self) -> bool:
        """Whether it says nothing about the service."""
        return self.watched.in_maintenance or self.is_network_lost


def build_event(
    found: Finding,
) -> CheckPassed | CheckFailed | NetworkLost | CheckMissed:
    """Say what happened to the service."""
    outcome, in_maintenance = found.outcome, found.watched.in_maintenance
    if outcome is None:
        return CheckMissed(found.id, found.at, found.missed)
    if found.is_network_lost:
        return NetworkLost(found.id, found.at, LOST, in_maintenance)
    if outcome.passed:
        return CheckPassed(
            found.id,
            found.at,
            outcome.latency_ms or 0.0,
            outcome.tls_expires_at,
            in_maintenance,
        )
    return CheckFailed(found.id, found.at, outcome.error or "", in_maintenance)


def build_row(found: Finding) -> CheckRow:
    """Build what is stored of the result."""
    service, outcome = found.watched.service, found.outcome
    if outcome is None:
        return CheckRow(
            id=found.id,
            tenant_id=service.tenant_id,
            service_id=service.id,
            slot_at=found.slot_at,
            checked_at=found.at,
            status_code=None,
            ok=False,
            latency_ms=None,
            attempts=0,
            error=found.missed,
            missed=True,
        )
    metadata = dict(outcome.metadata)
    if outcome.failure is not None:
        metadata["failure"] = outcome.failure.value
    if found.is_network_lost:
        metadata["network_lost"] = True
    if found.watched.in_maintenance:
        metadata["maintenance"] = True
    return CheckRow(
        id=found.id,
        tenant_id=service.tenant_id,
        service_id=service.id,
        slot_at=found.slot_at,
        checked_at=found.at,
        status_code=outcome.status_code,
        ok=outcome.passed,
        latency_ms=outcome.latency_ms,
        attempts=outcome.attempts,
        error=outcome.error,
        tls_expires_at=outcome.tls_expires_at,
        metadata=metadata,
    )


def build_alert(told: Tell, watched: Watched) -> AlertRow:
    """Build what is stored of a notice."""
    service = watched.service
    facts: dict[str, object] = {
        "service": service.name,
        "reason": told.reason,
        "result_id": str(told.cause),
    }
    if told.down_for is not None:
        facts["down_for_s"] = told.down_for.total_seconds()
    if told.tls_expires_at is not None:
        facts["tls_expires_at"] = told.tls_expires_at.isoformat()
    if told.score is not None:
        facts |= {"feature": told.feature, "score": told.score}
    return AlertRow(
        id=AlertId(derive_alert_id(told.cause, told.kind)),
        tenant_id=service.tenant_id,
        service_id=service.id,
        kind=told.kind,
        incident_id=told.incident_id,
        text=render_notice(told, service.name, watched.language),
        facts=facts,
        created_at=told.at,
    )


def build_line(row: CheckRow, service: str, status: str) -> dict[str, object]:
    """Build the line of the log."""
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
