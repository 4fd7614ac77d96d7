"""`/api/monitor/`: analyses, digests and anomalies."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field, JsonValue

from actors.monitor.analysis.features import Feature
from deployments.http.requests import run_while_connected
from deployments.monitoring.analysis_jobs import AnalysisRequest
from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import NotFoundError
from deployments.web.api.monitor.schemas import Instant, OptionalServiceRef
from deployments.web.api.schemas import Answer, Page, Paging, RequestBody
from deployments.web.dependencies import Context
from persistence import analysis
from persistence.ids import ServiceId

router = APIRouter(prefix="/api/monitor", tags=["monitor"])

#: A month, like the longest period of the summary.
MAX_HOURS = 31 * 24
NO_SERVICE = "There is no such service."


class AnalyzeIn(RequestBody):
    """What to analyze; without a service all of them, one by one and together."""

    period_hours: Annotated[int, Field(ge=1, le=MAX_HOURS)] = 24
    service_id: ServiceId | None = None


class DigestOut(Answer):
    """The digest of a period; `service` is null for all services together.

    `facts` are the numbers that the text was written from, `written_by` is the model
    that wrote it, or `rules`.
    """

    id: UUID
    service: OptionalServiceRef
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
    service: OptionalServiceRef
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
    request: Request,
    principal: SignedIn,
    context: Context,
    body: AnalyzeIn | None = None,
) -> AnalysisOut:
    """Analyze the last hours now; takes some seconds. 409 while another one runs.

    A caller that goes away ends its analysis.
    """
    wanted = body or AnalyzeIn()
    tenant_id, service_id = principal.tenant_id, wanted.service_id
    until = context.clock.now().replace(microsecond=0)
    span = timedelta(hours=wanted.period_hours)
    done = await run_while_connected(
        request,
        context.analysis.run(AnalysisRequest(tenant_id, until, span, service_id)),
    )
    digest = await analysis.fetch_latest_digest(context.pool, tenant_id, service_id)
    if done is None or digest is None:
        raise NotFoundError(NO_SERVICE)
    return AnalysisOut.model_validate({**asdict(done), "digest": digest})


@router.get("/digests/")
async def list_digests(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    service: ServiceId | None = None,
) -> Page[DigestOut]:
    """List digests, the newest first."""
    count, rows = await analysis.fetch_digests_page(
        context.pool, principal.tenant_id, service, paging.limit, paging.offset
    )
    return paging.build(count, map(DigestOut.model_validate, rows))


@router.get("/digests/latest/")
async def show_latest_digest(
    principal: SignedIn, context: Context, service: ServiceId | None = None
) -> DigestOut:
    """Show the latest digest of a service; without a service, the overall one."""
    pool, tenant_id = context.pool, principal.tenant_id
    if service is not None and not await analysis.fetch_service_names(
        pool, tenant_id, service
    ):
        raise NotFoundError(NO_SERVICE)
    digest = await analysis.fetch_latest_digest(pool, tenant_id, service)
    if digest is None:
        message = "There is no digest yet: POST /api/monitor/analyze/ writes one."
        raise NotFoundError(message)
    return DigestOut.model_validate(digest)


@router.get("/anomalies/")
async def list_anomalies(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    service: ServiceId | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
) -> Page[AnomalyOut]:
    """List anomalies of a period, the newest first."""
    count, rows = await analysis.fetch_anomalies_page(
        context.pool,
        principal.tenant_id,
        paging.limit,
        paging.offset,
        service_id=service,
        since=since,
        until=until,
    )
    return paging.build(count, map(AnomalyOut.model_validate, rows))
