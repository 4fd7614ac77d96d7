"""A simulated database behind a network that loses answers."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from random import Random
from typing import TypeVar

from persistence.errors import DatabaseAwayError
from persistence.ids import ConversationId, EventId
from persistence.journal import Batch, Epoch, Known, TimerRow
from tests.simulation.faults import Faults
from tests.simulation.trace import Trace
from tests.support.conversation.memory_journal import MemoryJournal

T = TypeVar("T")

#: A statement that was under way when its caller gave up may still be carried out.
LATE_S = 3.0


class SimulatedDatabase:
    """A Journal whose statements travel, and run even if their caller was killed."""

    def __init__(
        self, memory: MemoryJournal, random: Random, faults: Faults, trace: Trace
    ) -> None:
        self.memory = memory
        self._random = random
        self._faults = faults
        self._trace = trace
        self._is_away = False
        self._commits = 0
        self._timer_reads = 0
        #: Called when a commit happens after its shard has read everything anew.
        self.on_unseen_commit: Callable[[], None] = lambda: None
        # What is carried out here outlives the process that asked for it.
        self._context: Context = copy_context()

    def go_away(self) -> None:
        """Stop answering; what is on its way to us is lost."""
        self._is_away = True
        self._trace.write("DATABASE goes away")

    def come_back(self) -> None:
        """Answer again, with all that was committed."""
        self._is_away = False
        self._trace.write("DATABASE is back")

    async def raise_epoch(self, shard: int) -> Epoch:
        """Take the shard's place."""
        return await self._ask(lambda: self.memory.raise_epoch_now(shard))

    async def renew_epoch(self, epoch: Epoch) -> Epoch | None:
        """Refuse what the holder of `epoch` has under way."""
        return await self._ask(lambda: self.memory.renew_epoch_now(epoch))

    async def fetch_timers(self, shard: int, shards: int) -> tuple[TimerRow, ...]:
        """Fetch the timers that the shard owns."""
        return await self._ask(lambda: self._read_timers(shard, shards))

    async def fetch_before_deciding(
        self, conversations: Sequence[ConversationId], events: Sequence[EventId]
    ) -> Known:
        """Fetch which of these conversations and events there are already."""
        return await self._ask(
            lambda: self.memory.fetch_before_deciding_now(conversations, events)
        )

    async def commit_batch(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        """Record the batch as a whole, or nothing of it."""
        await self._ask(lambda: self._commit(epoch, batch, last_seq))

    def _commit(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        self.memory.commit_batch_now(epoch, batch, last_seq)
        self._commits += 1

    def _read_timers(self, shard: int, shards: int) -> tuple[TimerRow, ...]:
        self._timer_reads += 1
        return self.memory.fetch_timers_now(shard, shards)

    async def _ask(self, act: Callable[[], T]) -> T:
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._later(self._trip(), lambda: self._arrive(act, answer))
        return await answer

    def _arrive(self, act: Callable[[], T], answer: "asyncio.Future[T]") -> None:
        if self._is_away:
            _lose(answer)
            return
        if self._random.random() >= self._faults.lost_statement:
            self._carry_out(act, answer)
            return
        match self._random.randrange(4):
            case 0:
                self._trace.write("NETWORK loses a statement")
            case 1:
                self._trace.write("NETWORK loses the answer to a statement")
                self._carry_out(act, None)
            case _:
                self._trace.write("NETWORK breaks; the statement is still under way")
                late, reads = self._random.uniform(0, LATE_S), self._timer_reads
                self._later(late, lambda: self._carry_out_late(act, reads))
        self._later(self._trip(), lambda: _lose(answer))

    def _carry_out_late(self, act: Callable[[], T], reads: int) -> None:
        commits = self._commits
        self._carry_out(act, None)
        if self._commits > commits and self._timer_reads > reads:
            self.on_unseen_commit()

    def _carry_out(
        self, act: Callable[[], T], answer: "asyncio.Future[T] | None"
    ) -> None:
        error: Exception | None = None
        try:
            result = act()
        except AssertionError:
            raise
        except Exception as problem:  # noqa: BLE001 - the caller gets it
            error = problem
        if answer is None:
            return
        if error is not None:
            failed = error
            self._later(self._trip(), lambda: _fail(answer, failed))
        else:
            self._later(self._trip(), lambda: self._reply(answer, result))

    def _reply(self, answer: "asyncio.Future[T]", result: T) -> None:
        if answer.done():
            return
        if self._is_away:
            _lose(answer)
        else:
            answer.set_result(result)

    def _trip(self) -> float:
        return self._random.uniform(0.1, 1.0) * self._faults.trip_s

    def _later(self, delay_s: float, act: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(delay_s, act, context=self._context)


def _lose(answer: "asyncio.Future[T]") -> None:
    _fail(answer, DatabaseAwayError("the connection was lost"))


def _fail(answer: "asyncio.Future[T]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
