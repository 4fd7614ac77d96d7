"""Carries out what decisions order, after the commit; every result is an event."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import assert_never
from uuid import UUID, uuid4

import prometheus_client
import structlog

from actors.clock import Clock
from actors.conversation.effects import (
    AskProfile,
    CancelReply,
    Count,
    Counter,
    DeliverPart,
    LogName,
    StartReply,
    WriteLog,
)
from actors.conversation.errors import (
    AnswerFailedError,
    SendOutcomeUnknownError,
    SendRefusedError,
)
from actors.conversation.events import (
    Event,
    PartDelivered,
    PartOutcomeLost,
    PartRefused,
    ReplyFailed,
    ReplyWritten,
)
from actors.conversation.ports import (
    NOBODY_KNOWS,
    AnswerJob,
    OutgoingPart,
    Profiles,
    Responder,
    Sender,
)
from actors.conversation.rules.placeholders import has_words
from actors.conversation.rules.placeholders import storable as _storable
from actors.conversation.shard.batch_builder import Order
from actors.conversation.shard.profile_lookups import Inquiries
from actors.conversation.state import Conversation
from config import metrics
from persistence.ids import EventId, SendId

#: The answering side queues the rest; more would only wait there.
MAX_REPLIES = 64
#: Platforms limit what one account may send at once.
MAX_SENDS = 32

NOTHING_WRITTEN = "the answer has no words"

#: Each counter of the rules, as it is exposed.
COUNTERS: Mapping[Counter, prometheus_client.Counter] = {
    Counter.AI_REPLIES_DROPPED: metrics.AI_REPLIES_DROPPED,
    Counter.SHARE_MESSAGES: metrics.SHARE_MESSAGES,
    Counter.SHARE_COMBINED: metrics.SHARE_COMBINED,
    Counter.SHARE_TIMEOUTS: metrics.SHARE_TIMEOUTS,
    Counter.PENDING_SHARE_LOOKUPS: metrics.PENDING_SHARE_LOOKUPS,
    Counter.REDIRECTS: metrics.REDIRECTS,
}

log = structlog.get_logger("errands")


class Errands:
    """Owns the tasks that write answers, send parts, and ask who customers are."""

    def __init__(
        self,
        responder: Responder,
        sender: Sender,
        clock: Clock,
        post: Callable[[Event], None],
        new_id: Callable[[], UUID] = uuid4,
        max_sends: int = MAX_SENDS,
        profiles: Profiles = NOBODY_KNOWS,
    ) -> None:
        self._responder = responder
        self._sender = sender
        self._clock = clock
        self._post = post
        self._new_id = new_id
        self._replies: dict[EventId, asyncio.Task[None]] = {}
        self._sends: dict[SendId, asyncio.Task[None]] = {}
        self._inquiries = Inquiries(profiles, clock, post, new_id)
        self._reply_semaphore = asyncio.Semaphore(MAX_REPLIES)
        self._send_semaphore = asyncio.Semaphore(max_sends)

    def run(self, state: Conversation, order: Order) -> None:
        """Begin an errand; it reports through the inbox."""
        match order:
            case StartReply():
                task = asyncio.create_task(self._write(state, order))
                self._replies[order.job] = task
                task.add_done_callback(lambda _: self._replies.pop(order.job, None))
            case CancelReply():
                running = self._replies.get(order.job)
                if running is not None:
                    running.cancel()
            case DeliverPart():
                self._begin_send(state, order)
            case AskProfile():
                self._inquiries.begin(state)
            case WriteLog():
                _log_of(order.log).info(order.text, conversation_id=str(state.id))
            case Count():
                _counter_of(order).inc()
            case _:
                assert_never(order)

    async def stop(self, timeout_s: float) -> None:
        """Give up answers (their timers bring them back); let sends come home."""
        for task in list(self._replies.values()):
            task.cancel()
        await self._inquiries.stop()
        if self._sends:
            await asyncio.wait(self._sends.values(), timeout=timeout_s)
        sends = list(self._sends.values())
        for send in sends:
            send.cancel()
        # Those that never got a place say so: they are no parts in doubt.
        await asyncio.gather(*sends, return_exceptions=True)

    def _begin_send(self, state: Conversation, order: DeliverPart) -> None:
        send_id = order.send.id
        if send_id in self._sends:
            # Its lease ended while it waited for a place, or for a slow platform. That
            # attempt will still report; a second one would reach the customer twice.
            return
        task = asyncio.create_task(self._deliver(state, order))
        self._sends[send_id] = task

        def forget(done: asyncio.Task[None]) -> None:
            if self._sends.get(send_id) is done:
                del self._sends[send_id]

        task.add_done_callback(forget)

    async def _write(self, state: Conversation, order: StartReply) -> None:
        job = AnswerJob(state.tenant_id, state.id, order.questions, order.share)
        try:
            async with self._reply_semaphore:
                answer = await self._responder.write(job)
        except AnswerFailedError as error:
            self._report_failure(state, order, str(error))
        except Exception as error:  # A bug there must not leave the question here.
            log.exception("answer_errand_failed", conversation_id=str(state.id))
            self._report_failure(state, order, repr(error))
        else:
            text = _storable(answer.text)
            if not has_words(text):
                # No part of it would ever be sent, and nobody would be called.
                self._report_failure(state, order, NOTHING_WRITTEN)
                return
            self._post(
                ReplyWritten(
                    id=EventId(self._new_id()),
                    conversation_id=state.id,
                    at=self._clock.now(),
                    job=order.job,
                    text=text,
                    is_handover=answer.is_handover,
                    needs_operator=answer.needs_operator,
                    trace=replace(
                        answer.trace,
                        fallback_reason=_storable(answer.trace.fallback_reason),
                    ),
                )
            )

    def _report_failure(
        self, state: Conversation, order: StartReply, reason: str
    ) -> None:
        self._post(
            ReplyFailed(
                id=EventId(self._new_id()),
                conversation_id=state.id,
                at=self._clock.now(),
                job=order.job,
                reason=_storable(reason),
            )
        )

    async def _deliver(self, state: Conversation, order: DeliverPart) -> None:
        # A place that comes late would leave the call no time before its lease ends.
        timeout = (order.send.due_at - self._clock.now()) / 2
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self._send_semaphore.acquire()
        except TimeoutError:
            event = self._hold_back(state, order)
        except asyncio.CancelledError:
            self._post(self._hold_back(state, order))
            raise
        else:
            try:
                event = await self._attempt(state, order)
            finally:
                self._send_semaphore.release()
        # Gone before its result is read: that may order the next attempt.
        self._sends.pop(order.send.id, None)
        self._post(event)

    def _hold_back(self, state: Conversation, order: DeliverPart) -> Event:
        """Report that nothing has left: no place came free in time, or a person leads.

        A person who took over in the batch that ordered the send comes before it.
        """
        return PartRefused(
            id=EventId(self._new_id()),
            conversation_id=state.id,
            at=self._clock.now(),
            send_id=order.send.id,
            reason="held back",
            permanent=False,
            is_held=True,
        )

    async def _attempt(self, state: Conversation, order: DeliverPart) -> Event:
        # After its lease the part is another call's.
        left = order.send.due_at - self._clock.now()
        if _is_withdrawn(state, order) or left <= timedelta(0):
            return self._hold_back(state, order)
        part = OutgoingPart(
            send_id=order.send.id,
            tenant_id=state.tenant_id,
            channel_id=state.channel_id,
            source=state.source,
            customer=state.platform_id,
            content=order.send.content,
            tag=order.tag,
        )
        event_id = EventId(self._new_id())
        try:
            async with asyncio.timeout(left.total_seconds()):
                mid = await self._sender.send(part)
        except SendRefusedError as error:
            pause = error.retry_after_s
            return PartRefused(
                id=event_id,
                conversation_id=state.id,
                at=self._clock.now(),
                send_id=order.send.id,
                reason=_storable(str(error)),
                permanent=error.permanent,
                is_held=error.is_held,
                is_limited=error.is_limited,
                retry_after=None if pause is None else timedelta(seconds=pause),
            )
        except Exception as error:
            if not isinstance(error, SendOutcomeUnknownError | TimeoutError):
                log.exception("send_errand_failed", send_id=str(order.send.id))
            return PartOutcomeLost(
                id=event_id,
                conversation_id=state.id,
                at=self._clock.now(),
                send_id=order.send.id,
                reason=_storable(str(error) or repr(error)),
            )
        return PartDelivered(
            id=event_id,
            conversation_id=state.id,
            at=self._clock.now(),
            send_id=order.send.id,
            mid=mid,
        )


@cache
def _log_of(name: LogName) -> structlog.stdlib.BoundLogger:
    found: structlog.stdlib.BoundLogger = structlog.get_logger(name.value)
    return found


@cache
def _counter_of(order: Count) -> prometheus_client.Counter:
    """Find the counter once: a look-up by labels takes a lock each time."""
    counter = COUNTERS[order.counter]
    return counter.labels(order.label) if order.label else counter


def _is_withdrawn(state: Conversation, order: DeliverPart) -> bool:
    return any(send.id == order.send.id and send.is_withdrawn for send in state.sends)
