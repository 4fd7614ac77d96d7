"""`/api/monitor/`: analyses, digests and anomalies."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, JsonValue, TypeAdapter

from actors.monitor.analysis.features import Feature
from deployments.monitoring.analysis_jobs import AnalysisRequest
from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import NotFoundError
from deployments.web.api.monitor.results import Instant
from deployments.web.api.schemas import Answer, Page, Paging, RequestBody
from deployments.web.dependencies import Context
from persistence.analysis import (
    AnomalyFilter,
    fetch_anomalies_page,
    fetch_digests_page,
    fetch_latest_digest,
    fetch_service_names,
)
from persistence.ids import ServiceId
from persistence.monitor import AnomalyRow, DigestRow

router = APIRouter(prefix="/api/monitor", tags=["monitor"])

#: A month, like the longest period of the summary.
MAX_HOURS = 31 * 24
NO_SERVICE = "There is no such service."


class AnalyzeIn(RequestBody):
    """What to analyze; without a service all of them, one by one and together."""

    period_hours: Annotated[int, Field(ge=1, le=MAX_HOURS)] = 24
    service_id: UUID | None = None


class DigestOut(Answer):
    """The digest of a period; `service` is null for all services together.

    `facts` are the numbers that the text was written from, `written_by` is the model
    that wrote it, or `rules`.
    """

    id: UUID
    service: UUID | None
    period_start: datetime
    period_end: datetime
    summary_text: str
    anomaly_count: int
    facts: dict[str, JsonValue]
    written_by: str
    created_at: datetime


class DeviationOut(Answer):
    """The deviation of a feature: `ratio` times the usual maximum.

    Values are milliseconds; of `errors` the share of failed checks; of all services
    together an index, where 100 is each service's own median.
    """

    feature: Feature
    ratio: float
    value: float
    usual: float


class AnomalyOut(Answer):
    """An anomaly; `service` is null for all services together."""

    id: UUID
    service: UUID | None
    started_at: datetime
    ended_at: datetime
    score: float
    feature: Feature
    deviations: list[DeviationOut]
    result_ids: list[UUID]
    created_at: datetime


class AnalysisOut(Answer):
    """The result of an analysis.

    `learning` counts services with less than a day of checks, without detection.
    """

    period_start: datetime
    period_end: datetime
    services: int
    checks: int
    anomaly_count: int
    learning: int
    digest: DigestOut


@router.post("/analyze/")
async def analyze(
    principal: SignedIn, context: Context, body: AnalyzeIn | None = None
) -> AnalysisOut:
    """Analyze the last hours now; takes some seconds. 409 while another one runs."""
    wanted = body or AnalyzeIn()
    service_id = None if wanted.service_id is None else ServiceId(wanted.service_id)
    until = context.clock.now().replace(microsecond=0)
    analysis = await context.analysis.run(
        AnalysisRequest(
            principal.tenant_id,
            until,
            timedelta(hours=wanted.period_hours),
            service_id,
        )
    )
    digest = await fetch_latest_digest(context.pool, principal.tenant_id, service_id)
    if analysis is None or digest is None:
        raise NotFoundError(NO_SERVICE)
    return AnalysisOut(
        period_start=analysis.period_start,
        period_end=analysis.period_end,
        services=analysis.services,
        checks=analysis.checks,
        anomaly_count=analysis.anomaly_count,
        learning=analysis.learning,
        digest=_render_digest(digest),
    )


@router.get("/digests/")
async def list_digests(
    principal: SignedIn, context: Context, paging: Paging, service: UUID | None = None
) -> Page[DigestOut]:
    """List digests, the newest first."""
    count, rows = await fetch_digests_page(
        context.pool,
        principal.tenant_id,
        None if service is None else ServiceId(service),
        paging.limit,
        paging.offset,
    )
    return paging.build(count, (_render_digest(row) for row in rows))


@router.get("/digests/latest/")
async def show_latest_digest(
    principal: SignedIn, context: Context, service: UUID | None = None
) -> DigestOut:
    """Show the latest digest of a service; without a service, the overall one."""
    service_id = None if service is None else ServiceId(service)
    if service_id is not None:
        known = await fetch_service_names(context.pool, principal.tenant_id, service_id)
        if not known:
            raise NotFoundError(NO_SERVICE)
    digest = await fetch_latest_digest(context.pool, principal.tenant_id, service_id)
    if digest is None:
        message = "There is no digest yet: POST /api/monitor/analyze/ writes one."
        raise NotFoundError(message)
    return _render_digest(digest)


@router.get("/anomalies/")
async def list_anomalies(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    service: UUID | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
) -> Page[AnomalyOut]:
    """List anomalies of a period, the newest first."""
    count, rows = await fetch_anomalies_page(
        context.pool,
        principal.tenant_id,
        AnomalyFilter(None if service is None else ServiceId(service), since, until),
        paging.limit,
        paging.offset,
    )
    return paging.build(count, (_render_anomaly(row) for row in rows))


def _render_digest(row: DigestRow) -> DigestOut:
    return DigestOut(
        id=row.id,
        service=row.service_id,
        period_start=row.period_start,
        period_end=row.period_end,
        summary_text=row.summary_text,
        anomaly_count=row.anomaly_count,
        facts=_FACTS.validate_python(row.facts),
        written_by=row.written_by,
        created_at=row.created_at,
    )


def _render_anomaly(row: AnomalyRow) -> AnomalyOut:
    return AnomalyOut(
        id=row.id,
        service=row.service_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        score=row.score,
        feature=Feature(row.feature),
        deviations=_DEVIATIONS.validate_python(row.details.get("deviations", [])),
        result_ids=list(row.result_ids),
        created_at=row.created_at,
    )


_FACTS: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])
_DEVIATIONS: TypeAdapter[list[DeviationOut]] = TypeAdapter(list[DeviationOut])
