"""Sends alerts along their routes, retries failures, and survives restarts."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

import orjson
import structlog

from actors.backoff import exponential_backoff
from actors.clock import Clock
from actors.monitor.errors import MonitorError
from actors.tasks import wait_for_signal
from config import metrics
from persistence.alerts import (
    PendingDelivery,
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
#: A delivery that hangs is given up and retried; its id marks a second copy as one.
TIMEOUT_S = 20.0
MAX_AT_ONCE = 20
#: Retries become due without a signal.
POLL_INTERVAL_S = 5.0
MAX_ERROR_CHARS = 300

log = structlog.get_logger("monitor")


class AlertRefusedError(MonitorError):
    """The alert could not be delivered."""

    def __init__(self, message: str = "", *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class Notifier(Protocol):
    """Delivers alerts by one kind of route."""

    async def send(
        self, pending: PendingDelivery, target: Mapping[str, object]
    ) -> None:
        """Deliver an alert; `target` is the route's decrypted configuration.

        Raises:
            AlertRefusedError: it was not accepted; unless permanent, worth a retry.
        """
        ...


class AlertDispatcher:
    """Claims due deliveries and hands them to the notifier of their route."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        cipher: Cipher,
        notifiers: Mapping[RouteKind, Notifier],
        has_alerts: asyncio.Event,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._cipher = cipher
        self._notifiers = notifiers
        self._has_alerts = has_alerts

    async def run(self, _: Lease) -> None:
        """Send alerts as they become due. Claimed rows need no lease."""
        await settle_interrupted(self._pool, self._clock.now())
        while True:
            self._has_alerts.clear()
            while await self.send_due():
                pass
            await wait_for_signal(self._has_alerts, POLL_INTERVAL_S)

    async def send_due(self) -> int:
        """Send a batch of due deliveries; return its size."""
        now = self._clock.now()
        batch = await claim_deliveries(self._pool, now, MAX_AT_ONCE)
        await asyncio.gather(*(self._send(pending) for pending in batch))
        return len(batch)

    async def _send(self, pending: PendingDelivery) -> None:
        due_at = self._clock.now()
        delivery, reason = AlertDelivery.SENT, ""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._deliver(pending)
        except (AlertRefusedError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            is_permanent = isinstance(error, AlertRefusedError) and error.permanent
            if is_permanent or pending.attempts >= MAX_ATTEMPTS:
                delivery = AlertDelivery.FAILED
            else:
                delivery = AlertDelivery.QUEUED
                due_at += exponential_backoff(pending.attempts, FIRST_PAUSE)
            log.warning(
                "alert_not_sent",
                alert_id=str(pending.alert.id),
                route=pending.kind,
                attempts=pending.attempts,
                reason=reason,
                given_up=delivery is AlertDelivery.FAILED,
            )
        metrics.MONITOR_ALERT_SENDS.labels(pending.kind, delivery).inc()
        await record_delivery(
            self._pool, pending, delivery, due_at, reason[:MAX_ERROR_CHARS]
        )

    async def _deliver(self, pending: PendingDelivery) -> None:
        notifier = self._notifiers.get(pending.kind)
        if notifier is None:
            message = f"this runtime sends no alerts by {pending.kind}"
            raise AlertRefusedError(message, permanent=True)
        try:
            target = orjson.loads(self._cipher.decrypt(pending.target))
        except SecretUnreadableError as error:
            raise AlertRefusedError(str(error), permanent=True) from error
        try:
            await notifier.send(pending, target)
        except (AlertRefusedError, TimeoutError):
            raise
        except Exception as error:
            log.exception("notifier_failed", route=pending.kind)
            message = f"{type(error).__name__}: {error}"
            raise AlertRefusedError(message) from error
