"""Records of the monitor's tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from persistence import ids


class Method(StrEnum):
    """The HTTP method of a check."""

    GET = "GET"
    POST = "POST"
    HEAD = "HEAD"


class Origin(StrEnum):
    """The creator of a service."""

    USER = "user"
    RUNTIME = "runtime"
    PLATFORM = "platform"


class Status(StrEnum):
    """The health of a service, as far as it is known."""

    UNKNOWN = "unknown"
    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    MAINTENANCE = "maintenance"


class AlertKind(StrEnum):
    """The subject of an alert."""

    DOWN = "down"
    REMINDER = "reminder"
    RECOVERED = "recovered"
    FLAPPING = "flapping"
    CERTIFICATE = "certificate"
    ANOMALY = "anomaly"
    #: Of the alerts above the limit of a route.
    SUMMARY = "summary"


class RouteKind(StrEnum):
    """The kind of a route; log and console show all alerts anyway."""

    WEBHOOK = "webhook"
    EMAIL = "email"
    TELEGRAM = "telegram"


class AlertDelivery(StrEnum):
    """The state of a delivery."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    #: The sender stopped while sending: the alert may have arrived.
    UNKNOWN = "unknown"
    FAILED = "failed"
    #: Above the limit; the next summary tells of it.
    HELD = "held"
    SUMMED = "summed"


class RollupUnit(StrEnum):
    """The length of a rollup."""

    HOUR = "hour"
    DAY = "day"


class Period(StrEnum):
    """A period of uptime and percentiles."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


@dataclass(frozen=True, slots=True)
class Service:
    """A monitored service. The headers are encrypted."""

    id: ids.ServiceId
    tenant_id: ids.TenantId
    name: str
    base_url: str
    health_path: str
    method: Method
    headers: bytes | None = field(repr=False)
    body: str | None
    timeout_s: float
    #: Empty: any 2xx.
    expected_status: tuple[int, ...]
    #: As stored; `actors.monitor.checks.conditions` reads them.
    conditions: tuple[Mapping[str, object], ...]
    enabled: bool
    failure_threshold: int
    success_threshold: int
    degraded_after_ms: float | None
    cooldown_s: int
    reminder_s: int
    origin: Origin
    channel_id: ids.ChannelId | None
    enabled_at: datetime
    created_at: datetime
    updated_at: datetime

    @property
    def url(self) -> str:
        """The address of the check."""
        return f"{self.base_url.rstrip('/')}/{self.health_path.lstrip('/')}"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A stored result; `missed` without a check in its slot."""

    id: ids.ResultId
    tenant_id: ids.TenantId
    service_id: ids.ServiceId
    #: None for a check on demand.
    slot_at: datetime | None
    checked_at: datetime
    status_code: int | None
    ok: bool
    #: Of the last attempt; None without an answer.
    latency_ms: float | None
    attempts: int
    error: str | None = None
    missed: bool = False
    tls_expires_at: datetime | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """A change of a service's status."""

    id: ids.ResultId
    tenant_id: ids.TenantId
    service_id: ids.ServiceId
    at: datetime
    old: Status
    new: Status
    reason: str
    result_id: ids.ResultId | None


@dataclass(frozen=True, slots=True)
class RollupRow:
    """One hour or day of a service; see the migration for the buckets."""

    tenant_id: ids.TenantId
    service_id: ids.ServiceId
    unit: RollupUnit
    starts_at: datetime
    checks: int
    passed: int
    excused: int
    latency_sum_ms: float
    buckets: tuple[int, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A maintenance window of a tenant's service, or of all of them."""

    id: ids.WindowId
    tenant_id: ids.TenantId
    #: None: all services of the tenant.
    service_id: ids.ServiceId | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert, as log and console show it."""

    id: ids.AlertId
    tenant_id: ids.TenantId
    #: None for all services together.
    service_id: ids.ServiceId | None
    kind: AlertKind
    #: The result that started the incident, if any.
    incident_id: ids.ResultId | None
    text: str
    facts: Mapping[str, object]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A route of a tenant's alerts. The target is encrypted."""

    id: ids.RouteId
    tenant_id: ids.TenantId
    kind: RouteKind
    name: str
    target: bytes = field(repr=False)
    enabled: bool
    created_at: datetime
    #: None: no alert goes there until its owner has opened the mailed link.
    confirmed_at: datetime | None
    #: Why the link could not be mailed.
    confirmation_error: str


@dataclass(frozen=True, slots=True)
class DigestRow:
    """The digest of a period, with the facts that it was written from."""

    id: ids.DigestId
    tenant_id: ids.TenantId
    #: None for the overall digest.
    service_id: ids.ServiceId | None
    period_start: datetime
    period_end: datetime
    summary_text: str
    anomaly_count: int
    facts: Mapping[str, object]
    #: The model that wrote it, or "rules".
    written_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AnomalyRow:
    """An anomaly, and its largest deviation's feature."""

    id: ids.AnomalyId
    tenant_id: ids.TenantId
    service_id: ids.ServiceId | None
    started_at: datetime
    ended_at: datetime
    score: float
    feature: str
    details: Mapping[str, object]
    result_ids: tuple[ids.ResultId, ...]
    created_at: datetime

    @property
    def deviations(self) -> object:
        """The deviations; none from a release before 0016 that is still running."""
        return self.details.get("deviations", [])
