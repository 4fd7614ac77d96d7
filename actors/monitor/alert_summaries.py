"""Sums up alerts above the limit of a route, so that none is lost in silence."""

import asyncio
from uuid import uuid4

import structlog

from actors.clock import Clock
from actors.monitor.rules.wording import render_summary
from persistence import alerts
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.ids import AlertId
from persistence.monitor import AlertKind, AlertRow
from persistence.watch import Lease

POLL_INTERVAL_S = 10.0

log = structlog.get_logger("monitor")


class AlertSummaries:
    """Writes one summary for each route with held alerts, at most every ten minutes."""

    def __init__(self, pool: Pool, clock: Clock, has_alerts: asyncio.Event) -> None:
        self._pool = pool
        self._clock = clock
        self._has_alerts = has_alerts

    async def run(self, _: Lease) -> None:
        """Sum up what is held. Each route is claimed, so no lease is needed."""
        while True:
            await self.sum_up()
            await asyncio.sleep(POLL_INTERVAL_S)

    async def sum_up(self) -> int:
        """Write the summaries that are due; return their number."""
        routes = await alerts.fetch_held_routes(self._pool, self._clock.now())
        written = 0
        for route in routes:
            try:
                written += await self._sum_up(route)
            except DATABASE_AWAY:
                raise
            except Exception:
                # One route's fault must not silence the others.
                log.exception("alerts_not_summed", route_id=str(route.id))
        if written:
            self._has_alerts.set()
        return written

    async def _sum_up(self, route: alerts.HeldRoute) -> bool:
        now = self._clock.now()
        async with self._pool.acquire() as db, db.transaction():
            held = await alerts.take_held(db, route, now)
            if not held:
                return False
            count, limit = held[0].alerts, alerts.ALERTS_PER_ROUTE
            newest = sorted(held, key=lambda one: one.created_at, reverse=True)
            texts = [one.text for one in newest]
            row = AlertRow(
                id=AlertId(uuid4()),
                tenant_id=route.tenant_id,
                service_id=None,
                kind=AlertKind.SUMMARY,
                incident_id=None,
                text=render_summary(count, texts, limit, route.language),
                facts={"alerts": count, "limit_per_hour": limit},
                created_at=now,
            )
            await alerts.insert_summary(db, route, row)
        log.warning("alerts_summed", route_id=str(route.id), alerts=count)
        return True
