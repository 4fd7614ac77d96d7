"""Schemas of the monitor's requests and answers."""

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    Field,
    StringConstraints,
    model_validator,
)

from actors.monitor.checks.addresses import (
    check_url,
    read_literal,
    split_origin,
    why_refused,
)
from actors.monitor.checks.conditions import Comparison, parse_path
from deployments.web.api.schemas import Answer, Name, NoNul, RequestBody
from persistence.monitor import Method, Origin, Status
from persistence.services import ServiceSpec

MAX_HEADERS = 30
#: A hidden secret begins with this; sent back, it keeps the stored one.
HIDDEN = "…"
#: Enough to tell two secrets apart, too little to reveal one.
HINT_CHARS = 4
#: What PostgreSQL can hold, in any time zone.
FIRST_YEAR, LAST_YEAR = 2, 9998
_HEADER_NAME = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
#: Headers that belong to the connection.
_OUR_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})


def _check_address(value: str) -> str:
    check_url(value)
    if "?" in value or "#" in value:
        message = "must be without ? and #; those belong into health_path"
        raise ValueError(message)
    _, host, _ = split_origin(value)
    literal = read_literal(host)
    reason = literal and why_refused(str(literal), allow_private=True)
    if reason:
        message = f"can never be checked: {reason}"
        raise ValueError(message)
    return value


def _check_path(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        message = "must be plain ASCII; write other letters as %D9%81"
        raise ValueError(message)
    return value


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OUR_HEADERS:
            message = f"the header {name[:40]!r} can't be set"
            raise ValueError(message)
        # HTTP allows no spaces around a value: every check would fail.
        is_plain = value.isascii() and value.isprintable() and value == value.strip()
        if not (is_plain or value.startswith(HIDDEN)) or len(value) > 4000:
            message = (
                f"the value of {name} must be plain ASCII, without spaces around it"
            )
            raise ValueError(message)
    return headers


def _check_json_path(value: str | None) -> str | None:
    if value is not None:
        parse_path(value)
    return value


def _check_reminder(seconds: int) -> int:
    if 0 < seconds < 60:
        message = "must be 60 at least, or 0 for no reminders"
        raise ValueError(message)
    return seconds


def _check_year(at: datetime) -> datetime:
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        message = "must be a date between the years 2 and 9998"
        raise ValueError(message)
    return at


Instant = Annotated[AwareDatetime, AfterValidator(_check_year)]
# Records name the column `service_id`; the API shows it as `service`.
_SERVICE = Field(validation_alias=AliasChoices("service", "service_id"))
ServiceRef = Annotated[UUID, _SERVICE]
OptionalServiceRef = Annotated[UUID | None, _SERVICE]
BaseUrl = Annotated[
    str, StringConstraints(min_length=8, max_length=500), AfterValidator(_check_address)
]
Path = Annotated[str, StringConstraints(max_length=1500), AfterValidator(_check_path)]
Headers = Annotated[
    dict[str, str], Field(max_length=MAX_HEADERS), AfterValidator(_check_headers)
]
Body = Annotated[str, StringConstraints(max_length=20_000), NoNul]
HttpStatus = Annotated[int, Field(ge=100, le=599)]
Statuses = Annotated[list[HttpStatus], Field(max_length=100)]
Timeout = Annotated[float, Field(ge=0.1, le=60)]
Threshold = Annotated[int, Field(ge=1, le=100)]
Milliseconds = Annotated[float, Field(gt=0, le=60_000)]
#: The least time between two alerts of a service.
Cooldown = Annotated[int, Field(ge=60, le=30 * 86_400)]
#: Zero: no reminders.
Reminder = Annotated[int, Field(ge=0, le=30 * 86_400), AfterValidator(_check_reminder)]
Value = Annotated[str, StringConstraints(max_length=1000), NoNul]


class ConditionBody(RequestBody):
    """A condition on the response body. Without a path it tests the whole text."""

    test: Comparison
    path: Annotated[
        str | None,
        Field(max_length=300),
        AfterValidator(_check_json_path),
    ] = None
    value: bool | int | float | Value | None = None

    @model_validator(mode="after")
    def _check_whole_text(self) -> Self:
        wants_path = {Comparison.LESS, Comparison.GREATER, Comparison.EXISTS}
        if self.path is None and self.test in wants_path:
            message = f"{self.test} needs a path"
            raise ValueError(message)
        return self


Conditions = Annotated[list[ConditionBody], Field(max_length=20)]


class ServiceIn(RequestBody):
    """A service to create or replace."""

    name: Name
    base_url: BaseUrl
    health_path: Path = "/"
    method: Method = Method.GET
    headers: Headers = Field(default_factory=dict)
    body: Body | None = None
    timeout_s: Timeout = 10.0
    #: Empty: any 2xx.
    expected_status: Statuses = Field(default_factory=list)
    conditions: Conditions = Field(default_factory=list)
    enabled: bool = True
    failure_threshold: Threshold = 3
    success_threshold: Threshold = 2
    degraded_after_ms: Milliseconds | None = None
    cooldown_s: Cooldown = 900
    reminder_s: Reminder = 21_600

    def build_spec(self, headers: Mapping[str, str]) -> ServiceSpec:
        """Build the stored fields, with these headers."""
        names = (field.name for field in fields(ServiceSpec))
        values = {name: getattr(self, name) for name in names} | {"headers": headers}
        values["expected_status"] = tuple(self.expected_status)
        values["conditions"] = tuple(one.model_dump() for one in self.conditions)
        return ServiceSpec(**values)


class ServicePatch(RequestBody):
    """Fields to change; null removes body and degraded_after_ms.

    A header whose value begins with … keeps the value that it has.
    """

    name: Name | None = None
    base_url: BaseUrl | None = None
    health_path: Path | None = None
    method: Method | None = None
    headers: Headers | None = None
    body: Body | None = None
    timeout_s: Timeout | None = None
    expected_status: Statuses | None = None
    conditions: Conditions | None = None
    enabled: bool | None = None
    failure_threshold: Threshold | None = None
    success_threshold: Threshold | None = None
    degraded_after_ms: Milliseconds | None = None
    cooldown_s: Cooldown | None = None
    reminder_s: Reminder | None = None


class ConditionOut(Answer):
    """A condition on the response body."""

    test: Comparison
    path: str | None = None
    value: bool | int | float | str | None = None


class ServiceOut(Answer):
    """A service and its status; of header values only the end is shown."""

    id: UUID
    name: str
    base_url: str
    health_path: str
    method: Method
    headers: dict[str, str]
    body: str | None
    timeout_s: float
    expected_status: list[int]
    conditions: list[ConditionOut]
    enabled: bool
    failure_threshold: int
    success_threshold: int
    degraded_after_ms: float | None
    cooldown_s: int
    reminder_s: int
    origin: Origin
    channel_id: UUID | None
    status: Status
    status_since: datetime | None
    created_at: datetime
    updated_at: datetime


class ResultOut(Answer):
    """A result; `service` is an id. `missed` means that its slot had no check."""

    id: UUID
    service: ServiceRef
    slot_at: datetime | None
    checked_at: datetime
    status_code: int | None
    ok: bool
    latency_ms: float | None
    attempts: int
    error: str | None
    missed: bool
    tls_expires_at: datetime | None
    metadata: dict[str, object]


class FiguresOut(Answer):
    """Figures of a period: the share of passed checks, and their latencies."""

    checks: int
    passed: int
    uptime: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


def hide(value: str) -> str:
    """Hide a secret except its end; hide a short one completely."""
    return f"{HIDDEN}{value[-HINT_CHARS:]}" if len(value) >= 12 else HIDDEN
