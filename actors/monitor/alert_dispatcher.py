"""Sends alerts along their routes, retries failures, and survives restarts."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import orjson
import structlog

from actors.backoff import exponential_backoff
from actors.clock import Clock
from actors.monitor.errors import MonitorError
from actors.tasks import cancel_and_wait, wait_for_signal
from config import metrics
from persistence import alerts
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY, SecretUnreadableError
from persistence.monitor import AlertDelivery, RouteKind
from persistence.secrets import Cipher
from persistence.watch import Lease

#: 5 s, 10 s, 20 s … some twenty minutes in all.
MAX_ATTEMPTS = 9
FIRST_PAUSE = timedelta(seconds=5)
#: A delivery that hangs is given up and retried; its id marks a second copy as one.
TIMEOUT_S = 20.0
#: Far more than one tenant may have under way; see alerts.Turns.
MAX_AT_ONCE = 128
#: Retries become due without a signal.
POLL_INTERVAL_S = 5.0
RETRY_PAUSE_S = 1.0
MAX_ERROR_CHARS = 300

log = structlog.get_logger("monitor")


class AlertRefusedError(MonitorError):
    """The alert could not be delivered."""

    def __init__(
        self, message: str = "", *, permanent: bool = False, is_uncertain: bool = False
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        #: It may have arrived all the same.
        self.is_uncertain = is_uncertain


class Notifier(Protocol):
    """Delivers alerts by one kind of route."""

    async def send(
        self, pending: alerts.PendingDelivery, target: Mapping[str, object]
    ) -> None:
        """Deliver an alert; `target` is the route's decrypted configuration.

        Raises:
            AlertRefusedError: it was not accepted; unless permanent, worth a retry.
        """
        ...


class AlertDispatcher:
    """Claims due deliveries in turns and hands them to the notifiers of their routes.

    Each delivery is a task of its own: one that hangs holds a place of its route and
    of its tenant, and delays nobody else.
    """

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
        self._under_way: dict[asyncio.Task[None], alerts.PendingDelivery] = {}

    async def run(self, _: Lease) -> None:
        """Send alerts as they become due. Claimed rows need no lease."""
        await alerts.settle_interrupted(self._pool, self._clock.now())
        try:
            while True:
                self._has_alerts.clear()
                try:
                    await self._start_due()
                except DATABASE_AWAY as error:
                    log.warning("alerts_not_claimed", error=repr(error))
                await wait_for_signal(self._has_alerts, POLL_INTERVAL_S)
        finally:
            await cancel_and_wait(*self._under_way)

    async def send_due(self) -> int:
        """Send the due deliveries whose turn it is; return their number."""
        started = await self._start_due()
        await asyncio.gather(*started)
        return len(started)

    async def _start_due(self) -> list["asyncio.Task[None]"]:
        busy = self._under_way.values()
        turns = alerts.Turns(
            routes=[pending.route_id for pending in busy],
            tenants=[pending.alert.tenant_id for pending in busy],
        )
        batch = await alerts.claim_deliveries(
            self._pool, self._clock.now(), MAX_AT_ONCE - len(busy), turns
        )
        return [self._start(pending) for pending in batch]

    def _start(self, pending: alerts.PendingDelivery) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._send(pending))
        self._under_way[task] = pending
        task.add_done_callback(self._end)
        return task

    def _end(self, task: "asyncio.Task[None]") -> None:
        del self._under_way[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("alert_send_crashed", exc_info=error)
        # Its place is free.
        self._has_alerts.set()

    async def _send(self, pending: alerts.PendingDelivery) -> None:
        delivery, error = AlertDelivery.SENT, AlertRefusedError()
        due_at = self._clock.now()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._deliver(pending)
        except (AlertRefusedError, TimeoutError) as raised:
            error = _explain(raised)
            delivery, due_at = self._decide(pending, error)
            log.warning(
                "alert_not_sent",
                alert_id=str(pending.alert.id),
                route=pending.kind,
                attempts=pending.attempts,
                reason=str(error),
                given_up=delivery is not AlertDelivery.QUEUED,
            )
        metrics.MONITOR_ALERT_SENDS.labels(pending.kind, delivery).inc()
        reason = "" if delivery is AlertDelivery.SENT else str(error)
        await self._record(
            pending, delivery, due_at, reason, is_uncertain=error.is_uncertain
        )

    def _decide(
        self, pending: alerts.PendingDelivery, error: AlertRefusedError
    ) -> tuple[AlertDelivery, datetime]:
        """Return what becomes of a failed delivery, and when."""
        # A webhook's id marks a second copy as one. A person gets one more at most.
        was_sent = pending.kind is not RouteKind.WEBHOOK and (
            error.is_uncertain or pending.is_uncertain
        )
        is_second = error.is_uncertain and pending.is_uncertain and was_sent
        if is_second or error.permanent or pending.attempts >= MAX_ATTEMPTS:
            failed = AlertDelivery.UNKNOWN if was_sent else AlertDelivery.FAILED
            return failed, self._clock.now()
        pause = exponential_backoff(pending.attempts, FIRST_PAUSE)
        return AlertDelivery.QUEUED, self._clock.now() + pause

    async def _record(
        self,
        pending: alerts.PendingDelivery,
        delivery: AlertDelivery,
        due_at: datetime,
        reason: str,
        *,
        is_uncertain: bool,
    ) -> None:
        """Store the result of an attempt, however long the database is away."""
        while True:
            try:
                await alerts.record_delivery(
                    self._pool,
                    pending,
                    delivery,
                    due_at,
                    reason[:MAX_ERROR_CHARS],
                    is_uncertain=is_uncertain,
                )
            except DATABASE_AWAY as error:
                log.warning("delivery_not_recorded", error=repr(error))
                await asyncio.sleep(RETRY_PAUSE_S)
            else:
                return

    async def _deliver(self, pending: alerts.PendingDelivery) -> None:
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


def _explain(error: AlertRefusedError | TimeoutError) -> AlertRefusedError:
    """Return the error itself; after a time-out the alert may have arrived."""
    if isinstance(error, AlertRefusedError):
        return error
    return AlertRefusedError("no answer in time", is_uncertain=True)
