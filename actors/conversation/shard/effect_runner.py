"""Runs the effects of a decision after its commit, and reports results as events."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import assert_never
from uuid import UUID, uuid4

import prometheus_client
import structlog

from actors.clock import Clock
from actors.conversation import effects, errors, events, ports
from actors.conversation.effects import Counter, LogName
from actors.conversation.reasons import FailureReason
from actors.conversation.rules.placeholders import has_words, strip_unstorable
from actors.conversation.shard.batch_builder import Command
from actors.conversation.shard.profile_lookups import ProfileLookups
from actors.conversation.shard.workflow_work import WorkflowWork
from actors.conversation.state import Conversation
from actors.conversation.traces import AnswerTrace
from actors.errors import TooManyWaitingError
from actors.fair_semaphore import FairSemaphore
from actors.tasks import cancel_and_wait
from actors.workflow.ports import NO_WORKER, Worker
from config import metrics
from persistence.errors import DatabaseAwayError
from persistence.ids import ConversationId, EventId, SendId

#: Answers that are written at once; places are shared out over tenants.
MAX_REPLIES = 64
#: A customer who has waited so long for a place should hear from a person.
MAX_REPLY_WAIT_S = 300.0
#: Parts that are sent at once: over tenants, and over the channels of each.
MAX_SENDS = 32

#: Reads the present state of a conversation; None if there is none.
FetchState = Callable[[ConversationId], Awaitable[Conversation | None]]

#: Each counter of the rules, as it is exposed.
COUNTERS: Mapping[Counter, prometheus_client.Counter] = {
    Counter.AI_REPLIES_DROPPED: metrics.AI_REPLIES_DROPPED,
    Counter.SHARE_MESSAGES: metrics.SHARE_MESSAGES,
    Counter.SHARE_COMBINED: metrics.SHARE_COMBINED,
    Counter.SHARE_TIMEOUTS: metrics.SHARE_TIMEOUTS,
    Counter.PENDING_SHARE_LOOKUPS: metrics.PENDING_SHARE_LOOKUPS,
    Counter.REDIRECTS: metrics.REDIRECTS,
    Counter.WORKFLOW_RUNS: metrics.WORKFLOW_RUNS,
    Counter.WORKFLOW_STEPS: metrics.WORKFLOW_STEPS,
}

log = structlog.get_logger("effect_runner")


class EffectRunner:
    """Owns the tasks that write answers, send parts, and look profiles up."""

    def __init__(
        self,
        responder: ports.Responder,
        sender: ports.Sender,
        clock: Clock,
        post: Callable[[events.Event], None],
        new_id: Callable[[], UUID] = uuid4,
        max_sends: int = MAX_SENDS,
        profiles: ports.Profiles = ports.NO_PROFILES,
        fetch_state: FetchState | None = None,
        worker: Worker = NO_WORKER,
    ) -> None:
        self._fetch_state = fetch_state
        self._responder = responder
        self._sender = sender
        self._clock = clock
        self._post = post
        self._new_id = new_id
        self._replies: dict[EventId, asyncio.Task[None]] = {}
        self._sends: dict[SendId, asyncio.Task[None]] = {}
        #: Of customers who were erased while the part waited to be sent.
        self._withdrawn: set[SendId] = set()
        self._profile_lookups = ProfileLookups(profiles, clock, post, new_id)
        self._work = WorkflowWork(worker, clock, post, new_id)
        self._reply_places = FairSemaphore(MAX_REPLIES)
        self._send_places = FairSemaphore(max_sends)

    def run(self, state: Conversation, command: Command) -> None:
        """Start a command; its result comes back through the inbox."""
        match command:
            case effects.StartReply():
                task = asyncio.create_task(self._write(state, command))
                self._replies[command.job] = task
                task.add_done_callback(lambda _: self._replies.pop(command.job, None))
            case effects.CancelReply():
                running = self._replies.get(command.job)
                if running is not None:
                    running.cancel()
            case effects.DeliverPart():
                self._begin_send(state, command)
            case effects.AskProfile():
                self._profile_lookups.begin(state)
            case effects.PerformWork():
                self._work.begin(state, command)
            case effects.WriteLog():
                _log_of(command.log).info(command.text, conversation_id=str(state.id))
            case effects.Count():
                _counter_of(command).inc()
            case _:
                assert_never(command)

    def withdraw(self, send: SendId) -> bool:
        """Send the part no more; return whether a result of it is still to come."""
        if send not in self._sends:
            return False
        self._withdrawn.add(send)
        return True

    async def stop(self, timeout_s: float) -> None:
        """Cancel answers, which their timers restart; let sends finish in time."""
        for reply in self._replies.values():
            # Not waited for: an answer that ends slowly must take no time from sends.
            reply.cancel()
        await self._profile_lookups.stop()
        await self._work.stop()
        if self._sends:
            await asyncio.wait(self._sends.values(), timeout=timeout_s)
        # Those that still wait for a place report that nothing was sent.
        await cancel_and_wait(*self._sends.values())

    def _begin_send(self, state: Conversation, command: effects.DeliverPart) -> None:
        send_id = command.send.id
        if send_id in self._sends:
            # The lease ended while the attempt waited for a place, or for a slow
            # platform. It will still report; a second one could arrive twice.
            return
        task = asyncio.create_task(self._deliver(state, command))
        self._sends[send_id] = task

        def forget(done: asyncio.Task[None]) -> None:
            if self._sends.get(send_id) is done:
                del self._sends[send_id]

        task.add_done_callback(forget)

    async def _write(self, state: Conversation, command: effects.StartReply) -> None:
        job = ports.AnswerJob(
            state.tenant_id,
            state.id,
            command.questions,
            command.share,
            command.is_post,
        )
        tenant = state.tenant_id
        try:
            async with asyncio.timeout(MAX_REPLY_WAIT_S):
                await self._reply_places.acquire(tenant)
        except (TooManyWaitingError, TimeoutError):
            # A person is called: one busy shop's questions must not pile up for ever.
            log.warning("answer_not_begun", tenant_id=str(tenant))
            self._report_failure(state, command, FailureReason.TOO_MANY_WAIT)
            return
        try:
            answer = await self._responder.write(job)
        except errors.AnswerFailedError as error:
            self._report_failure(state, command, str(error))
        except Exception:  # A bug must not leave the question open.
            log.exception("answer_failed", conversation_id=str(state.id))
            self._report_failure(state, command, FailureReason.NOT_PREPARED)
        else:
            text = strip_unstorable(answer.text)
            is_silent = answer.is_handover and not answer.text
            if not has_words(text) and not is_silent:
                # No part of it would be sent, and no operator would be called.
                self._report_failure(state, command, FailureReason.NO_WORDS)
                return
            self._post(
                events.ReplyWritten(
                    id=EventId(self._new_id()),
                    conversation_id=state.id,
                    at=self._clock.now(),
                    job=command.job,
                    text=text,
                    is_handover=answer.is_handover,
                    needs_operator=answer.needs_operator,
                    trace=_storable(answer.trace),
                )
            )
        finally:
            self._reply_places.release(tenant)

    def _report_failure(
        self, state: Conversation, command: effects.StartReply, reason: str
    ) -> None:
        self._post(
            events.ReplyFailed(
                id=EventId(self._new_id()),
                conversation_id=state.id,
                at=self._clock.now(),
                job=command.job,
                reason=strip_unstorable(reason),
            )
        )

    async def _deliver(self, state: Conversation, command: effects.DeliverPart) -> None:
        # A late start would leave the call no time before its lease ends.
        timeout = (command.send.due_at - self._clock.now()) / 2
        place = state.tenant_id, state.channel_id
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                has_waited = await self._send_places.acquire(*place)
        except (TimeoutError, TooManyWaitingError):
            event = self._hold_back(state, command)
        except asyncio.CancelledError:
            self._post(self._hold_back(state, command))
            raise
        else:
            try:
                event = await self._attempt(state, command, has_waited=has_waited)
            finally:
                self._send_places.release(*place)
        # Gone before its result is read: that may command the next attempt.
        self._sends.pop(command.send.id, None)
        self._withdrawn.discard(command.send.id)
        self._post(event)

    def _hold_back(
        self, state: Conversation, command: effects.DeliverPart
    ) -> events.Event:
        """Report that nothing was sent: the semaphore was busy, or a person leads.

        A person may have taken over in the very batch that ordered the send.
        """
        return events.PartRefused(
            id=EventId(self._new_id()),
            conversation_id=state.id,
            at=self._clock.now(),
            send_id=command.send.id,
            reason="held back",
            permanent=False,
            is_held=True,
        )

    async def _may_still_send(
        self, state: Conversation, command: effects.DeliverPart
    ) -> bool:
        """Ask for the present state: a person may lead by now, and the part be theirs.

        Where the state can't be read the part is held back, and comes again.
        """
        if self._fetch_state is None:
            return True
        left = command.send.due_at - self._clock.now()
        try:
            async with asyncio.timeout(left.total_seconds()):
                present = await self._fetch_state(state.id)
        except (DatabaseAwayError, TimeoutError):
            return False
        return present is not None and any(
            send.id == command.send.id and not send.is_withdrawn
            for send in present.sends
        )

    async def _attempt(
        self,
        state: Conversation,
        command: effects.DeliverPart,
        *,
        has_waited: bool = False,
    ) -> events.Event:
        if has_waited and not await self._may_still_send(state, command):
            return self._hold_back(state, command)
        # After the lease the part belongs to another call.
        left = command.send.due_at - self._clock.now()
        is_withdrawn = _is_withdrawn(state, command)
        if is_withdrawn or command.send.id in self._withdrawn or left <= timedelta(0):
            return self._hold_back(state, command)
        part = ports.OutgoingPart(
            send_id=command.send.id,
            tenant_id=state.tenant_id,
            channel_id=state.channel_id,
            source=state.source,
            customer=state.platform_id,
            content=command.send.content,
            tag=command.tag,
            route=command.send.route,
        )
        event_id = EventId(self._new_id())
        try:
            async with asyncio.timeout(left.total_seconds()):
                mid = await self._sender.send(part)
        except errors.SendRefusedError as error:
            pause = error.retry_after_s
            return events.PartRefused(
                id=event_id,
                conversation_id=state.id,
                at=self._clock.now(),
                send_id=command.send.id,
                reason=strip_unstorable(str(error)),
                permanent=error.permanent,
                is_held=error.is_held,
                is_limited=error.is_limited,
                retry_after=None if pause is None else timedelta(seconds=pause),
            )
        except Exception as error:
            if not isinstance(error, errors.SendOutcomeUnknownError | TimeoutError):
                log.exception("send_failed", send_id=str(command.send.id))
            return events.PartOutcomeLost(
                id=event_id,
                conversation_id=state.id,
                at=self._clock.now(),
                send_id=command.send.id,
                reason=_name_loss(error),
            )
        return events.PartDelivered(
            id=event_id,
            conversation_id=state.id,
            at=self._clock.now(),
            send_id=command.send.id,
            mid=mid,
        )


@cache
def _log_of(name: LogName) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name.value)
    return logger


@cache
def _counter_of(command: effects.Count) -> prometheus_client.Counter:
    """Cache the counter: a look-up by labels takes a lock each time."""
    counter = COUNTERS[command.counter]
    return counter.labels(command.label) if command.label else counter


def _name_loss(error: Exception) -> str:
    """Name why an outcome is unknown, without the words of any library."""
    if isinstance(error, errors.SendOutcomeUnknownError):
        return strip_unstorable(str(error))
    if isinstance(error, TimeoutError):
        return FailureReason.NO_PLATFORM_ANSWER
    return FailureReason.SENDER_FAILED


def _is_withdrawn(state: Conversation, command: effects.DeliverPart) -> bool:
    return any(send.id == command.send.id and send.is_withdrawn for send in state.sends)


def _storable(trace: AnswerTrace) -> AnswerTrace:
    """Return the trace as PostgreSQL takes it: a model's words may be in it."""
    return replace(
        trace,
        fallback_reason=strip_unstorable(trace.fallback_reason),
        prompt=tuple(
            replace(message, content=strip_unstorable(message.content))
            for message in trace.prompt
        ),
        questions=tuple(map(strip_unstorable, trace.questions)),
        question=strip_unstorable(trace.question),
        faults=tuple(map(strip_unstorable, trace.faults)),
    )
