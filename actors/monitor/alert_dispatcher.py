"""Carries notices along their routes, again on failure, over restarts."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import orjson
import structlog

from actors.clock import Clock
from actors.monitor.ports import NoticeRefusedError, Way
from config import metrics
from persistence.alerts import (
    Errand,
    claim_deliveries,
    record_delivery,
    settle_interrupted,
)
from persistence.database import Pool
from persistence.errors import SecretUnreadableError
from persistence.monitor import AlertDelivery, RouteKind
from persistence.secrets import Cipher
from persistence.watch import Lease

#: 5 s, 10 s, 20 s … some twenty minutes in all.
MAX_ATTEMPTS = 9
FIRST_PAUSE = timedelta(seconds=5)
#: One that hangs is given up; it may have arrived, and says so by its id.
TIMEOUT_S = 20.0
MAX_AT_ONCE = 20
#: Whoever waits for another attempt is looked for so often.
POLL_INTERVAL_S = 5.0
MAX_ERROR_CHARS = 300

log = structlog.get_logger("monitor")


class Postman:
    """Sends what is due."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        cipher: Cipher,
        ways: Mapping[RouteKind, Way],
        has_told: asyncio.Event,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._cipher = cipher
        self._ways = ways
        self._has_told = has_told

    async def work(self, lease: Lease) -> None:
        """Send what is due, for as long as this runtime watches."""
        del lease  # A row that is claimed belongs to nobody else.
        await settle_interrupted(self._pool, self._clock.now())
        while True:
            self._has_told.clear()
            while await self.send_due():
                pass
            try:
                async with asyncio.timeout(POLL_INTERVAL_S):
                    await self._has_told.wait()
            except TimeoutError:
                continue

    async def send_due(self) -> int:
        """Send some of what is due; return how many there were."""
        now = self._clock.now()
        errands = await claim_deliveries(self._pool, now, MAX_AT_ONCE)
        await asyncio.gather(*(self._send(errand) for errand in errands))
        return len(errands)

    async def _send(self, errand: Errand) -> None:
        now = self._clock.now()
        delivery, due_at, reason = AlertDelivery.SENT, now, ""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._carry(errand)
        except TimeoutError:
            reason = "no answer in time"
            delivery, due_at = AlertDelivery.QUEUED, now + _pause(errand.attempts)
        except NoticeRefusedError as error:
            reason = str(error)
            delivery, due_at = AlertDelivery.QUEUED, now + _pause(errand.attempts)
            if error.permanent:
                delivery = AlertDelivery.FAILED
        if delivery is AlertDelivery.QUEUED and errand.attempts >= MAX_ATTEMPTS:
            delivery = AlertDelivery.FAILED
        metrics.MONITOR_ALERT_SENDS.labels(errand.kind, delivery).inc()
        if reason:
            log.warning(
                "alert_not_sent",
                alert_id=str(errand.alert.id),
                route=errand.kind,
                attempts=errand.attempts,
                reason=reason,
                given_up=delivery is AlertDelivery.FAILED,
            )
        await record_delivery(
            self._pool, errand, delivery, due_at, reason[:MAX_ERROR_CHARS]
        )

    async def _carry(self, errand: Errand) -> None:
        way = self._ways.get(errand.kind)
        if way is None:
            message = f"this runtime sends nothing by {errand.kind}"
            raise NoticeRefusedError(message, permanent=True)
        try:
            target = orjson.loads(self._cipher.decrypt(errand.target))
        except SecretUnreadableError as error:
            raise NoticeRefusedError(str(error), permanent=True) from error
        try:
            await way.carry(errand, target)
        except (NoticeRefusedError, TimeoutError):
            raise
        except Exception as error:
            log.exception("way_broke", route=errand.kind)
            message = f"{type(error).__name__}: {error}"
            raise NoticeRefusedError(message) from error


def _pause(attempts: int) -> timedelta:
    return FIRST_PAUSE * float(2 ** max(attempts - 1, 0))
