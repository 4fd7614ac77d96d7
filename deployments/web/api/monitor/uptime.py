"""`/api/monitor/uptime/`: bars of many services."""

from datetime import datetime, timedelta
from itertools import groupby
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from deployments.web.api.auth import SignedIn
from deployments.web.api.schemas import Answer
from deployments.web.dependencies import Context
from persistence.check_results import Buckets, UptimeRow, fetch_uptime
from persistence.ids import ServiceId
from persistence.monitor import RollupUnit, Status

router = APIRouter(prefix="/api/monitor", tags=["monitor"])

MAX_SERVICES = 100
MAX_BUCKETS = 100
MAX_HOURS = 90 * 24
#: Roll-ups of hours are kept a day longer; of more, those of days are read.
MAX_BY_HOURS = 31 * 24


class BucketOut(Answer):
    """A bar; `uptime` is the share of checks that passed, null without checks."""

    starts_at: datetime
    checks: int
    uptime: float | None
    worst: Status


class UptimeOut(Answer):
    """The bars of a service, the oldest first."""

    service_id: UUID
    buckets: list[BucketOut]


class UptimesOut(Answer):
    """The services that exist, by id; a bar is `bucket_hours` wide."""

    bucket_hours: int
    services: list[UptimeOut]


@router.get("/uptime/")
async def show_uptime(
    principal: SignedIn,
    context: Context,
    service_id: Annotated[
        list[ServiceId], Query(min_length=1, max_length=MAX_SERVICES)
    ],
    hours: Annotated[int, Query(ge=1, le=MAX_HOURS)] = 24,
    buckets: Annotated[int, Query(ge=1, le=MAX_BUCKETS)] = 90,
) -> UptimesOut:
    """Show the uptime of services in at most so many bars, each at least an hour wide.

    Bars begin at full hours of UTC, or at midnight where they are days; the last one
    holds the present. Services of others are left out.
    """
    wanted = build_buckets(context.clock.now(), hours, buckets)
    rows = await fetch_uptime(context.pool, principal.tenant_id, service_id, wanted)
    return UptimesOut(
        bucket_hours=wanted.width // timedelta(hours=1),
        services=[
            UptimeOut(service_id=id_, buckets=[_render(row, wanted) for row in bars])
            for id_, bars in groupby(rows, lambda row: row.service_id)
        ],
    )


def build_buckets(now: datetime, hours: int, most: int) -> Buckets:
    """Build at most `most` buckets that hold the last `hours` hours.

    There are fewer where the roll-ups, of hours or days, are too coarse for so many.
    """
    start = now.replace(minute=0, second=0, microsecond=0)
    unit, step = RollupUnit.HOUR, timedelta(hours=1)
    if hours > MAX_BY_HOURS or -(-hours // most) >= 24:
        unit, step = RollupUnit.DAY, timedelta(days=1)
        start = start.replace(hour=0)
    units = -(-timedelta(hours=hours) // step)
    width = -(-units // most)
    count = -(-units // width)
    return Buckets(unit, start + step * (1 - width * count), step * width, count)


def _render(row: UptimeRow, buckets: Buckets) -> BucketOut:
    return BucketOut(
        starts_at=buckets.since + buckets.width * row.bucket,
        checks=row.checks,
        uptime=row.passed / row.checks if row.checks else None,
        worst=row.worst,
    )
