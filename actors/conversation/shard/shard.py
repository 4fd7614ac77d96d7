"""The shard: one inbox, one consumer, one transaction per batch.

Callers wait until their event is committed. Rules are in `decide`; what a decision
orders is carried out by `Errands`, whose results come back through this same inbox.
"""

import asyncio
import contextlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import structlog

from actors.clock import Clock
from actors.conversation.codec import decode_state
from actors.conversation.effects import ClearTimer, SetTimer
from actors.conversation.errors import (
    ActorError,
    InvalidEventError,
    ShardUnavailableError,
)
from actors.conversation.events import Event, ReplyFailed, ReplyWritten
from actors.conversation.journal import Journal
from actors.conversation.ports import NOBODY_KNOWS, Profiles, Responder, Sender
from actors.conversation.rules.decide import decide
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.batch_builder import Draft, timer_key
from actors.conversation.shard.effect_runner import MAX_SENDS, Errands
from actors.conversation.shard.envelope import Call, Parcel, drop_duplicates
from actors.conversation.shard.envelope import Receipt as Receipt
from actors.conversation.shard.mirror import NO_MIRROR, Mirror
from actors.conversation.shard.timers import TIMER_EVENTS, TimerWheel, build_timer_event
from actors.conversation.state import Conversation
from config import metrics
from persistence.errors import DatabaseAwayError, ShardFencedError
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
    """Owns the conversations of its slots: their states, timers and errands."""

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
        mirror: Mirror = NO_MIRROR,
        new_id: Callable[[], UUID] = uuid4,
        max_resident: int = MAX_RESIDENT,
        max_sends: int = MAX_SENDS,
        profiles: Profiles = NOBODY_KNOWS,
    ) -> None:
        self._shard = shard
        self._shards = shards
        self._journal = journal
        self._policy = policy
        self._clock = clock
        self._mirror = mirror
        self._new_id = new_id
        self._max_resident = max_resident
        self._inbox: asyncio.Queue[Parcel] = asyncio.Queue()
        self._states: OrderedDict[ConversationId, Conversation] = OrderedDict()
        self._timers = TimerWheel()
        self._timers_changed = asyncio.Event()
        self._errands = Errands(
            responder, sender, clock, self._post, new_id, max_sends, profiles
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._firing: asyncio.Task[None] | None = None
        self._epoch = Epoch(shard, 0, 0)
        #: Whether it serves no more: another has its place, or it failed.
        self._is_fenced = False
        self._failed = asyncio.Event()
        self._is_stopping = False

    async def start(self) -> None:
        """Take the place, arm the stored timers, begin to serve."""
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
        # What falls due now is the next start's: a send that begins here would be cut
        # off, might have arrived, and would be sent again.
        if self._firing is not None:
            self._firing.cancel()
        if not self._is_fenced:
            await self._inbox.join()
        await self._errands.stop(STOP_TIMEOUT_S)
        if not self._is_fenced:
            await self._inbox.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._mirror.stop()

    async def submit(self, events: Sequence[Event]) -> list[Receipt | ActorError]:
        """Record events; returns when they are committed, one result per event."""
        if self._is_fenced or self._is_stopping:
            return [ShardUnavailableError() for _ in events]
        call = Call(len(events))
        for place, event in enumerate(events):
            self._inbox.put_nowait(Parcel(event, call, place))
        return await call.wait()

    @property
    def is_serving(self) -> bool:
        """Whether the shard holds its place and takes events."""
        return not self._is_fenced and not self._is_stopping and bool(self._tasks)

    async def wait_failed(self) -> None:
        """Return once the shard can't go on, and its process should be replaced."""
        await self._failed.wait()

    def _post(self, event: Event) -> None:
        """Put a result of our own errands or timers into the inbox."""
        if not self._is_fenced:
            self._inbox.put_nowait(Parcel(event))

    async def _consume(self) -> None:
        while not self._is_fenced:
            parcels = [await self._inbox.get()]
            while len(parcels) < MAX_BATCH and not self._inbox.empty():
                parcels.append(self._inbox.get_nowait())
            try:
                await self._process(parcels)
            except ShardFencedError:
                self._is_fenced = True
                log.error("shard_fenced", shard=self._shard)  # noqa: TRY400 - no fault of ours
                self._refuse(parcels)
            except Exception:
                # A bug, in the very place that mends all else: a new process begins
                # from what is stored, and callers come again.
                self._is_fenced = True
                log.exception("shard_failed", shard=self._shard)
                self._refuse(parcels)
                self._failed.set()
            finally:
                for _ in parcels:
                    self._inbox.task_done()
        while not self._inbox.empty():
            self._refuse([self._inbox.get_nowait()])
            self._inbox.task_done()

    async def _process(self, parcels: list[Parcel]) -> None:
        try:
            await self._record(parcels)
        except DatabaseAwayError as error:
            log.warning("database_away", shard=self._shard, error=repr(error))
            self._refuse(parcels)
            await self._recover()
            self._take_up(parcels)
        except ShardFencedError:
            # A renewal of ours that was held up on its way makes the next commit fail
            # at the fence. If another has the place, the recovery says so, before the
            # callers are told to look for it.
            await self._recover()
            self._refuse(parcels)
            self._take_up(parcels)
            # Should it ever fail again at once, it must not go round in a hurry.
            await asyncio.sleep(RECOVERY_PAUSE_S)
        except Exception as error:  # noqa: BLE001 - the loop must survive; one event fails
            await self._isolate(parcels, error)

    def _take_up(self, parcels: list[Parcel]) -> None:
        """Try our own results again: they have no row, as timers have."""
        for parcel in parcels:
            if parcel.is_ours and not isinstance(parcel.event, TIMER_EVENTS):
                self._inbox.put_nowait(Parcel(parcel.event, is_again=True))

    async def _isolate(self, parcels: list[Parcel], error: Exception) -> None:
        """Find the event that the database refuses: it fails alone."""
        if len(parcels) == 1:
            event = parcels[0].event
            log.error("event_refused", event_id=str(event.id), error=repr(error))
            self._states.pop(event.conversation_id, None)
            self._throw_away(parcels[0])
            return
        for parcel in parcels:
            await self._process([parcel])

    def _throw_away(self, parcel: Parcel) -> None:
        """Refuse the event for good."""
        event = parcel.event
        # The reason names tables and keys: it is for the log alone.
        parcel.fail(InvalidEventError(event_id=event.id))
        if isinstance(event, ReplyWritten):
            # Nobody else waits for it, and the customer must not wait for ever.
            self._post(
                ReplyFailed(
                    id=EventId(self._new_id()),
                    conversation_id=event.conversation_id,
                    at=event.at,
                    job=event.job,
                    reason="the answer could not be stored",
                )
            )

    async def _record(self, parcels: list[Parcel]) -> None:
        fresh, states = await self._recall(parcels)
        draft = Draft()
        seq = self._epoch.seq
        now = self._clock.now()
        accepted: list[tuple[Parcel, Receipt]] = []
        for parcel in fresh:
            event = parcel.event
            if parcel.is_ours:
                # Rules count from when we can act on it: a doubt that waited for the
                # database has not waited for its echo.
                event = replace(event, at=now)
            current = draft.states.get(event.conversation_id) or states.get(
                event.conversation_id
            )
            try:
                decision = decide(current, event, self._policy)
            except ActorError as error:
                parcel.fail(error)
                continue
            except Exception:
                log.exception("event_poisoned", event_id=str(event.id))
                self._throw_away(parcel)
                continue
            seq += 1
            draft.add(event, decision, seq, is_new=current is None)
            accepted.append((parcel, Receipt(event.id, seq)))
        if accepted:
            await self._commit(draft, seq, len(accepted))
        for parcel, receipt in accepted:
            parcel.succeed(receipt)

    async def _recall(
        self, parcels: list[Parcel]
    ) -> tuple[list[Parcel], dict[ConversationId, Conversation]]:
        """Answer what happened already; return the rest, with the states it is about.

        Our own timers and results carry ids that are new, unless they come again after
        a commit whose outcome was lost.
        """
        asked = [
            parcel.event.id
            for parcel in parcels
            if not parcel.is_ours or parcel.is_again
        ]
        touched = {parcel.event.conversation_id for parcel in parcels}
        missing = [one for one in touched if one not in self._states]
        known = Known({}, {})
        if asked or missing:
            known = await self._journal.fetch_before_deciding(missing, asked)
        states = {one: decode_state(text) for one, text in known.states.items()}
        for one in touched & self._states.keys():
            self._states.move_to_end(one)
            states[one] = self._states[one]
        return drop_duplicates(parcels, known.events), states

    async def _commit(self, draft: Draft, seq: int, events: int) -> None:
        with metrics.SHARD_COMMIT_SECONDS.time():
            await self._journal.commit_batch(self._epoch, draft.batch, seq)
        metrics.SHARD_BATCH_SIZE.observe(events)
        self._epoch = replace(self._epoch, seq=seq)
        self._states.update(draft.states)
        self._mirror.note(draft.states.values())
        while len(self._states) > self._max_resident:
            self._states.popitem(last=False)
        for conversation, effect in draft.timers:
            self._arm(conversation, effect)
        stored = Counter(message.type for message in draft.batch.messages.values())
        for kind, count in stored.items():
            metrics.MESSAGES_STORED.labels(type=kind).inc(count)
        for conversation, order in draft.orders:
            self._errands.run(draft.states[conversation], order)

    def _arm(self, conversation: ConversationId, effect: SetTimer | ClearTimer) -> None:
        match effect:
            case SetTimer():
                self._timers.set((conversation, effect.kind), effect.due_at)
                self._timers_changed.set()
            case ClearTimer():
                self._timers.clear((conversation, effect.kind))

    async def _fire_timers(self) -> None:
        while True:
            self._timers_changed.clear()
            now = self._clock.now()
            due = self._timers.pop_due(now, MAX_BATCH)
            for key, due_at in due:
                event_id = EventId(self._new_id())
                self._post(build_timer_event(event_id, key, due_at, now))
            if due:
                # A shard that comes back may find 100,000 of them: let others in.
                await asyncio.sleep(0)
                continue
            pause = self._timers.next_in(now)
            timeout = None if pause is None else pause.total_seconds()
            # Not wait_for: in Python 3.11 it forgets a cancellation that comes together
            # with the event, and `stop` would wait for ever.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._timers_changed.wait()

    async def _load_timers(self) -> None:
        self._timers.clear_all()
        rows = await self._journal.fetch_timers(self._shard, self._shards)
        for row in rows:
            self._timers.set(timer_key(row.conversation_id, row.kind), row.due_at)
        self._timers_changed.set()

    async def _recover(self) -> None:
        """Wait for the database, then go on from what it holds, not from memory.

        A commit whose answer was lost may have happened, or be under way: the renewal
        keeps it from happening after we have read.
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
                self._refuse_waiting()
                await asyncio.sleep(RECOVERY_PAUSE_S)
            else:
                log.info("database_back", shard=self._shard)
                return

    def _refuse_waiting(self) -> None:
        """Answer callers at once while the database is away; keep our own results."""
        kept: list[Parcel] = []
        while not self._inbox.empty():
            parcel = self._inbox.get_nowait()
            self._inbox.task_done()
            if parcel.is_ours:
                kept.append(parcel)
            else:
                self._refuse([parcel])
        for parcel in kept:
            self._inbox.put_nowait(parcel)

    def _refuse(self, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            parcel.fail(ShardUnavailableError())
