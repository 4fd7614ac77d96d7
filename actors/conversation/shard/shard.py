"""The shard: one inbox, one consumer, one transaction per batch.

Theory of operation. A shard owns the conversations of its slots. `_consume` takes a
batch of envelopes from the inbox, `_record` decides on each event by the pure rules
(`rules/decide.py`), and `_commit` writes events, states, messages, sends and timers in
one transaction. Only then are callers answered, timers armed, and the commands of the
decisions handed to the `EffectRunner`, whose results come back through the same inbox
as internal events. So memory never runs ahead of the database, and a crash at any
point loses only what the next process rebuilds from it: states are read on demand,
timers at the start, and a command that was lost is repeated by the timer that its
decision set.

- Fence: `raise_epoch` claims the shard at its start, and each commit names the epoch
  and the sequence number that it continues from. A process that another one replaced
  fails there (ShardFencedError), refuses its callers, and serves no more.
- Lost answers: after DatabaseAwayError the commit may have happened, or may still be
  under way. `_recover` first uses up the sequence number, so that it can't happen any
  more, then forgets the states and reads the timers again. Callers submit again and
  internal results are put back; both are recognised by their event ids.
- Refused events: if the database refuses a batch, each event is tried alone. If a
  commit takes too long, its events are tried alone next time (`isolation.py`).
- Sending, unknown outcomes, echoes and leases are the rules' (`rules/delivery.py`).
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import structlog

from actors.clock import Clock
from actors.conversation import errors
from actors.conversation.codec import decode_state
from actors.conversation.events import Event
from actors.conversation.ports import NO_PROFILES, Journal, Profiles, Responder, Sender
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.batch_builder import BatchBuilder
from actors.conversation.shard.batch_decider import BatchDecider
from actors.conversation.shard.effect_runner import MAX_SENDS, EffectRunner
from actors.conversation.shard.envelope import (
    Call,
    Envelope,
    Receipt,
    drop_duplicates,
    refuse,
    refuse_callers,
)
from actors.conversation.shard.erasures import Erasures
from actors.conversation.shard.isolation import Suspects, build_failure
from actors.conversation.shard.mirror import Mirror
from actors.conversation.shard.timers import TIMER_EVENTS, TimerWheel, build_timer_event
from actors.conversation.shard.workflow_catalog import NoWorkflows, WorkflowCatalog
from actors.conversation.state import Conversation, TimerKind
from actors.errors import ActorError
from actors.tasks import cancel_and_wait, wait_for_signal
from actors.workflow.ports import NO_WORKER, Worker
from config import metrics
from persistence.errors import (
    CommitTimedOutError,
    DatabaseAwayError,
    ShardFencedError,
)
from persistence.ids import ConversationId, EventId
from persistence.journal import Epoch, Known

#: Past this a transaction only gets longer, not cheaper per event.
MAX_BATCH = 512
#: A kilobyte each: what a busy shop talks to in a day stays in memory.
MAX_RESIDENT = 50_000
#: The database is away: ask again this often.
RECOVERY_PAUSE_S = 0.5
#: At a stop, sends under way may still report; a second later the process is ended.
STOP_TIMEOUT_S = 3.0

log = structlog.get_logger("shard")


class Shard:
    """Owns the conversations of its slots: their states, timers and effects."""

    def __init__(
        self,
        *,
        shard: int,
        shards: int,
        journal: Journal,
        responder: Responder,
        sender: Sender,
        policy: Policy,
        clock: Clock,
        mirror: Mirror | None = None,
        new_id: Callable[[], UUID] = uuid4,
        max_resident: int = MAX_RESIDENT,
        max_sends: int = MAX_SENDS,
        profiles: Profiles = NO_PROFILES,
        worker: Worker = NO_WORKER,
        workflows: WorkflowCatalog | None = None,
    ) -> None:
        self._shard = shard
        self._shards = shards
        self._journal = journal
        self._policy = policy
        self._clock = clock
        self._mirror = mirror or Mirror()
        self._new_id = new_id
        self._max_resident = max_resident
        self._inbox: asyncio.Queue[Envelope] = asyncio.Queue()
        self._states: OrderedDict[ConversationId, Conversation] = OrderedDict()
        self._timers = TimerWheel()
        self._timers_changed = asyncio.Event()
        self._effect_runner = EffectRunner(
            responder,
            sender,
            clock,
            self._post,
            new_id,
            max_sends,
            profiles,
            self._fetch_state,
            worker,
        )
        self._workflows = workflows or WorkflowCatalog(NoWorkflows())
        self._erasures = Erasures(self._effect_runner.withdraw)
        self._tasks: list[asyncio.Task[None]] = []
        self._firing: asyncio.Task[None] | None = None
        self._epoch = Epoch(shard, 0, 0)
        self._suspects = Suspects()
        #: Whether it serves no more: another process holds the shard, or it failed.
        self._is_fenced = False
        self._failed = asyncio.Event()
        self._is_stopping = False

    async def start(self) -> None:
        """Claim the shard, arm the stored timers, begin to serve."""
        self._epoch = await self._journal.raise_epoch(self._shard)
        await self._load_timers()
        self._mirror.start(self._epoch, self._shards)
        self._firing = asyncio.create_task(self._fire_timers(), name="timers")
        self._tasks = [
            asyncio.create_task(self._consume(), name=f"shard-{self._shard}"),
            self._firing,
        ]
        log.info("shard_started", shard=self._shard, timers=len(self._timers))

    async def stop(self) -> None:
        """Finish what is in the inbox, then stop. Nothing stored is lost."""
        if self._is_stopping:
            return
        self._is_stopping = True
        # Timers that fall due now are the next process's: a send that begins here would
        # be cut off, might have arrived, and would be sent again.
        if self._firing is not None:
            self._firing.cancel()
        if not self._is_fenced:
            await self._inbox.join()
        await self._effect_runner.stop(STOP_TIMEOUT_S)
        if not self._is_fenced:
            await self._inbox.join()
        await cancel_and_wait(*self._tasks)
        await self._mirror.stop()

    async def submit(self, events: Sequence[Event]) -> list[Receipt | ActorError]:
        """Record events; returns when they are committed, one result per event."""
        if self._is_fenced or self._is_stopping:
            return [errors.ShardUnavailableError() for _ in events]
        call = Call(len(events))
        for index, event in enumerate(events):
            self._inbox.put_nowait(Envelope(event, call, index))
        return await call.wait()

    @property
    def is_serving(self) -> bool:
        """Whether the shard takes events."""
        return not self._is_fenced and not self._is_stopping and bool(self._tasks)

    async def wait_failed(self) -> None:
        """Return once the shard has failed, and its process should be replaced."""
        await self._failed.wait()

    def _post(self, event: Event) -> None:
        """Put an internal event, a result or a timer, into the inbox."""
        if not self._is_fenced:
            self._inbox.put_nowait(Envelope(event))

    async def _consume(self) -> None:
        while not self._is_fenced:
            envelopes = [await self._inbox.get()]
            while len(envelopes) < MAX_BATCH and not self._inbox.empty():
                envelopes.append(self._inbox.get_nowait())
            try:
                for batch in self._suspects.split(envelopes):
                    await self._process(batch)
            except ShardFencedError:
                self._is_fenced = True
                log.error("shard_fenced", shard=self._shard)  # noqa: TRY400 - no fault of ours
                refuse(envelopes)
            except Exception:
                # A bug in the recovery itself: a new process starts from what is
                # stored, and callers submit again.
                self._is_fenced = True
                log.exception("shard_failed", shard=self._shard)
                refuse(envelopes)
                self._failed.set()
            finally:
                for _ in envelopes:
                    self._inbox.task_done()
        while not self._inbox.empty():
            refuse([self._inbox.get_nowait()])
            self._inbox.task_done()

    async def _process(self, envelopes: list[Envelope]) -> None:
        try:
            await self._record(envelopes)
            self._suspects.clear(envelopes)
        except DatabaseAwayError as error:
            log.warning("database_away", shard=self._shard, error=repr(error))
            is_late = isinstance(error, CommitTimedOutError)
            if is_late and self._suspects.note_timeout(envelopes):
                log.exception("event_too_slow", event_id=str(envelopes[0].event.id))
                self._reject(envelopes[0])
                envelopes = []
            refuse(envelopes)
            await self._recover()
            self._retry_results(envelopes)
        except ShardFencedError:
            # A renewal of ours that was delayed makes the next commit fail at the fence
            # as well. If another process holds the shard, the recovery raises.
            await self._recover()
            refuse(envelopes)
            self._retry_results(envelopes)
            # Pause so that a repeated failure cannot become a busy loop.
            await asyncio.sleep(RECOVERY_PAUSE_S)
        except Exception as error:  # noqa: BLE001 - the loop must survive; one event fails
            await self._isolate(envelopes, error)

    def _retry_results(self, envelopes: list[Envelope]) -> None:
        """Put results back into the inbox: unlike timers they have no row."""
        for envelope in envelopes:
            if envelope.is_internal and not isinstance(envelope.event, TIMER_EVENTS):
                self._inbox.put_nowait(Envelope(envelope.event, is_retry=True))

    async def _isolate(self, envelopes: list[Envelope], error: Exception) -> None:
        """Try each event alone, so that only the refused one fails."""
        if len(envelopes) == 1:
            event = envelopes[0].event
            log.error("event_refused", event_id=str(event.id), error=repr(error))
            self._states.pop(event.conversation_id, None)
            self._reject(envelopes[0])
            return
        for envelope in envelopes:
            await self._process([envelope])

    def _reject(self, envelope: Envelope) -> None:
        """Refuse the event for good; only the log gets the reason, with its tables."""
        event = envelope.event
        envelope.fail(errors.InvalidEventError(event_id=event.id))
        failure = build_failure(event, self._new_id)
        if failure is not None:
            self._post(failure)

    async def _record(self, envelopes: list[Envelope]) -> None:
        fresh, states = await self._load(envelopes)
        await self._workflows.prepare(
            [envelope.event for envelope in fresh], states.values()
        )
        decider = BatchDecider(self._policy, self._workflows, states, self._epoch.seq)
        builder, now = decider.builder, self._clock.now()
        accepted: list[tuple[Envelope, Receipt]] = []
        # Told after the commit: what stands in the way of an event may be of its batch.
        refused: list[tuple[Envelope, ActorError]] = []
        for envelope in fresh:
            event = envelope.event
            erased = self._erasures.find_refusal(event)
            if erased is not None:
                echo = self._erasures.take_echo(event)
                builder.batch.forgotten += [] if echo is None else [echo]
                envelope.fail(erased)
                continue
            if envelope.is_internal:
                # Rules count from now: an outcome that waited for the database has not
                # waited for its echo.
                event = replace(event, at=now)
            current = decider.present(event.conversation_id)
            try:
                seq = decider.add(event, is_checked=envelope.call is not None)
            except ActorError as error:
                refused.append((envelope, error))
                continue
            except Exception:
                log.exception("event_poisoned", event_id=str(event.id))
                self._reject(envelope)
                continue
            if builder.batch.erasure is not None and current is not None:
                self._erasures.note(current)
            accepted.append((envelope, Receipt(event.id, seq)))
        if accepted or builder.batch.forgotten:
            await self._commit(builder, decider.seq, decider.events)
        for envelope, receipt in accepted:
            envelope.succeed(receipt)
        for envelope, refusal in refused:
            envelope.fail(refusal)

    async def _load(
        self, envelopes: list[Envelope]
    ) -> tuple[list[Envelope], dict[ConversationId, Conversation]]:
        """Confirm the stored events; return the others, and the states they need.

        Internal events have new ids, unless they are retried after a commit whose
        outcome was lost.
        """
        asked = [
            envelope.event.id
            for envelope in envelopes
            if not envelope.is_internal or envelope.is_retry
        ]
        touched = {envelope.event.conversation_id for envelope in envelopes}
        missing = [key for key in touched if key not in self._states]
        known = Known({}, {})
        if asked or missing:
            known = await self._journal.fetch_before_deciding(missing, asked)
        states = {key: decode_state(text) for key, text in known.states.items()}
        for key in touched & self._states.keys():
            self._states.move_to_end(key)
            states[key] = self._states[key]
        return drop_duplicates(envelopes, known.events), states

    async def _fetch_state(self, key: ConversationId) -> Conversation | None:
        """Return the present state. Raises DatabaseAwayError where it is not here."""
        if key in self._states:
            return self._states[key]
        known = await self._journal.fetch_before_deciding([key], [])
        return decode_state(known.states[key]) if key in known.states else None

    async def _commit(self, builder: BatchBuilder, seq: int, events: int) -> None:
        with metrics.SHARD_COMMIT_SECONDS.time():
            await self._journal.commit_batch(self._epoch, builder.batch, seq)
        metrics.SHARD_BATCH_SIZE.observe(events)
        self._epoch = replace(self._epoch, seq=seq)
        self._states.update(builder.states)
        if builder.batch.erasure is not None:
            # Their rows are gone: the person's next message begins anew.
            del self._states[builder.batch.erasure.conversation_id]
        self._mirror.note(builder.states.values())
        while len(self._states) > self._max_resident:
            self._states.popitem(last=False)
        for conversation, effect in builder.timers:
            self._timers.apply(conversation, effect)
            self._timers_changed.set()
        stored = Counter(message.type for message in builder.batch.messages.values())
        for kind, count in stored.items():
            metrics.MESSAGES_STORED.labels(type=kind).inc(count)
        for conversation, command in builder.commands:
            self._effect_runner.run(builder.states[conversation], command)

    async def _fire_timers(self) -> None:
        while True:
            self._timers_changed.clear()
            now = self._clock.now()
            due = self._timers.pop_due(now, MAX_BATCH)
            for key, due_at in due:
                event_id = EventId(self._new_id())
                self._post(build_timer_event(event_id, key, due_at, now))
            if due:
                # After a restart there may be 100,000 of them: let other tasks run.
                await asyncio.sleep(0)
                continue
            await wait_for_signal(self._timers_changed, self._timers.sleep_s(now))

    async def _load_timers(self) -> None:
        self._timers.clear_all()
        rows = await self._journal.fetch_timers(self._shard, self._shards)
        for row in rows:
            self._timers.set((row.conversation_id, TimerKind(row.kind)), row.due_at)
        self._timers_changed.set()

    async def _recover(self) -> None:
        """Wait for the database, then continue from what it holds.

        A commit whose answer was lost may have happened, or be under way: the renewal
        keeps it from happening after the reading here.
        """
        self._states.clear()
        while True:
            try:
                held = await self._journal.renew_epoch(self._epoch)
                if held is None:
                    raise ShardFencedError
                self._epoch = held
                await self._load_timers()
            except DatabaseAwayError:
                refuse_callers(self._inbox)
                await asyncio.sleep(RECOVERY_PAUSE_S)
            else:
                log.info("database_back", shard=self._shard)
                return
