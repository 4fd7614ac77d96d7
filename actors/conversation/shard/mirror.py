"""Mirrors committed conversations into Redis, without delaying any commit.

The shard notes only which conversations changed; one task per shard reads their rows
from the database and writes them, each under the conversation's version, so that an
older state can't replace a newer one. While Redis is away nothing is remembered: when
it is back, everything is compared, because nothing else tells what a Redis that was
away has lost, or what changed before this process began.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import structlog

from actors.conversation.state import Conversation
from actors.tasks import cancel_and_wait, wait_for_signal
from config import metrics
from persistence import errors
from persistence import mirror as store
from persistence.database import Pool
from persistence.ids import ConversationId, slot_of
from persistence.journal import Epoch
from persistence.mirror import KeyState, MirrorConnection, MirrorRow

#: Rows of one script, which delays other clients' commands by about a millisecond.
PAGE = 250
#: With more changes than this a comparison of everything is cheaper, and bounded.
MAX_NOTED = 10_000
#: Time to write the last changes at a stop.
STOP_TIMEOUT_S = 1.0

log = structlog.get_logger("mirror")
#: Writes into the file that has the other lines of a redirect.
workflow_log = structlog.get_logger("workflow")


class MirrorHealth(StrEnum):
    """The state of a shard's mirror."""

    OFF = "off"
    RIGHT = "right"
    BEHIND = "behind"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class MirrorTimings:
    """The intervals and time-outs of the mirror."""

    #: Changes that come within this of a write are written together.
    gather: timedelta = timedelta(milliseconds=20)
    #: An emptied Redis is noticed after at most this, also when nothing changes.
    check: timedelta = timedelta(seconds=1)
    #: Pause before Redis is tried again.
    retry: timedelta = timedelta(seconds=1)
    #: A single key that somebody removed or changed is right again after this.
    compare: timedelta = timedelta(minutes=10)
    #: A Redis that takes longer to answer counts as away.
    timeout: timedelta = timedelta(seconds=1)


TIMINGS = MirrorTimings()


class Mirror:
    """The mirror where no Redis is configured, which does nothing."""

    health = MirrorHealth.OFF

    def start(self, epoch: Epoch, shards: int) -> None:
        """Begin to show the conversations of the shard that holds `epoch`."""

    def note(self, states: Iterable[Conversation]) -> None:
        """Note states that were just committed; never waits, never fails."""

    async def stop(self) -> None:
        """Write the noted changes, if Redis answers at once, and end."""


class RedisMirror(Mirror):
    """The mirror in Redis."""

    def __init__(self, pool: Pool, url: str, timings: MirrorTimings = TIMINGS) -> None:
        self._pool = pool
        self._url = url
        self._timings = timings
        self._shard, self._shards, self._epoch = 0, 1, 0
        self._noted: set[ConversationId] = set()
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_comparing_next = True
        #: Why Redis is away; None while it is not.
        self._outage: str | None = None
        self._is_warned = False
        #: Whether something was committed that Redis does not show yet.
        self._has_unwritten = False
        self.health = MirrorHealth.BEHIND

    def start(self, epoch: Epoch, shards: int) -> None:
        """Begin to show the conversations of the shard that holds `epoch`."""
        self._shard, self._shards, self._epoch = epoch.shard, shards, epoch.epoch
        self._task = asyncio.create_task(self._run(), name=f"mirror-{epoch.shard}")

    def note(self, states: Iterable[Conversation]) -> None:
        """Note states that were just committed; never waits, never fails."""
        self._has_unwritten = True
        if self._is_comparing_next:
            self._warn()
            return
        self._noted.update(state.id for state in states)
        if len(self._noted) > MAX_NOTED:
            self._compare_next()
        self._changed.set()

    async def stop(self) -> None:
        """Write the noted changes, if Redis answers at once, and end."""
        self._stopping.set()
        self._changed.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=STOP_TIMEOUT_S)
            await cancel_and_wait(self._task)

    async def _run(self) -> None:
        timeout, pause_s = self._timings.timeout, self._timings.retry.total_seconds()
        while not self._stopping.is_set():
            try:
                async with MirrorConnection(self._url, timeout) as redis:
                    while not self._stopping.is_set():
                        await self._keep_right(redis)
            except errors.ShardFencedError:
                self.health = MirrorHealth.OFF
                log.info("mirror_fenced", shard=self._shard)
                return
            except errors.MirrorUnreachableError as error:
                self._note_outage(error)
            except errors.DATABASE_AWAY as error:
                # The shard itself warns of that.
                self.health = MirrorHealth.BEHIND
                log.info("mirror_waits", shard=self._shard, error=repr(error))
            except Exception:
                self.health = MirrorHealth.BEHIND
                log.exception("mirror_failed", shard=self._shard)
            self._compare_next()
            await wait_for_signal(self._stopping, pause_s)

    async def _keep_right(self, redis: MirrorConnection) -> None:
        """Compare everything, then write changes until the next comparison is due.

        Raises:
            ShardFencedError: another process holds the shard.
        """
        if await store.fetch_shard_epoch(self._pool, self._shard) != self._epoch:
            raise errors.ShardFencedError
        try:
            with contextlib.suppress(errors.MirrorEmptiedError):
                # Only sets the mark, which nobody has set yet.
                await redis.write(self._shard, self._epoch, ())
            await self._compare_all(redis)
            await self._follow(redis)
        except errors.MirrorEmptiedError:
            self.health = MirrorHealth.BEHIND
            log.info("mirror_emptied", shard=self._shard)
            await wait_for_signal(self._stopping, self._timings.gather.total_seconds())

    async def _compare_all(self, redis: MirrorConnection) -> None:
        """Compare every conversation of the shard, and correct what differs."""
        self._noted.clear()
        # Changes from here on are noted; the reading below sees those before.
        self._is_comparing_next = False
        seen: Counter[KeyState] = Counter()
        after = ConversationId(UUID(int=0))
        while True:
            page = await store.fetch_mirrored_page(
                self._pool, after, PAGE * self._shards
            )
            own = [row for row in page if slot_of(row.id) % self._shards == self._shard]
            seen.update((await self._write(redis, own)).values())
            await self._write_noted(redis)
            if self._is_comparing_next or self._stopping.is_set():
                return
            if not page:
                break
            after = page[-1].id
        await self._forget_erased(redis)
        self.health = MirrorHealth.RIGHT
        self._has_unwritten = bool(self._noted)
        if seen[KeyState.ABSENT] or seen[KeyState.WRONG] or self._outage is not None:
            log.info(
                "mirror_made_right",
                shard=self._shard,
                right=seen[KeyState.RIGHT],
                absent=seen[KeyState.ABSENT],
                wrong=seen[KeyState.WRONG],
            )
        self._outage, self._is_warned = None, False

    async def _follow(self, redis: MirrorConnection) -> None:
        """Write what is noted; between, check that Redis was not emptied."""
        loop = asyncio.get_running_loop()
        compare_at = loop.time() + self._timings.compare.total_seconds()
        while loop.time() < compare_at and not self._is_comparing_next:
            self._changed.clear()
            if self._noted:
                await self._write_noted(redis)
                self._has_unwritten = bool(self._noted)
            else:
                await self._write(redis, ())
            if self._stopping.is_set():
                return
            await wait_for_signal(self._stopping, self._timings.gather.total_seconds())
            await wait_for_signal(self._changed, self._timings.check.total_seconds())

    async def _write_noted(self, redis: MirrorConnection) -> None:
        while self._noted:
            ids = [self._noted.pop() for _ in range(min(PAGE, len(self._noted)))]
            rows = await store.fetch_mirrored(self._pool, ids)
            await redis.forget({*ids} - {row.id for row in rows})
            states = await self._write(redis, rows)
            for row in rows:
                # A new conversation that the AI leads was switched by nobody.
                if states[row.id] is KeyState.ABSENT and not row.ai_enabled:
                    _log_set(row)

    async def _forget_erased(self, redis: MirrorConnection) -> None:
        """Remove conversations that were erased while Redis, or we, were away."""
        cursor = 0
        while not self._stopping.is_set():
            cursor, shown = await redis.scan(cursor)
            own = {key for key in shown if slot_of(key) % self._shards == self._shard}
            rows = await store.fetch_mirrored(self._pool, list(own))
            await redis.forget(own - {row.id for row in rows})
            if cursor == 0:
                return

    async def _write(
        self, redis: MirrorConnection, rows: Sequence[MirrorRow]
    ) -> dict[ConversationId, KeyState]:
        """Write the rows; return the states before."""
        states, newer = await redis.write(self._shard, self._epoch, rows)
        if newer:
            # Whoever wrote these versions had read them from a database: a row that is
            # read only now, and is still older, proves that it was another database.
            again = await store.fetch_mirrored(self._pool, list(newer))
            states_again, _ = await redis.write(self._shard, self._epoch, again, newer)
            states |= states_again
        for row in rows:
            is_miss = states[row.id] in {KeyState.ABSENT, KeyState.WRONG}
            metrics.AI_CONTROL_CACHE.labels("miss" if is_miss else "hit").inc()
            if states[row.id] is KeyState.WRONG:
                _log_set(row)
        return states

    def _compare_next(self) -> None:
        """Forget the noted changes, and compare everything next."""
        self._is_comparing_next = True
        self._noted.clear()

    def _note_outage(self, error: errors.MirrorUnreachableError) -> None:
        metrics.AI_CONTROL_CACHE.labels("error").inc()
        self.health = MirrorHealth.UNREACHABLE
        if self._outage is None:
            log.info("mirror_unreachable", shard=self._shard, error=str(error))
        self._outage = str(error)
        self._warn()

    def _warn(self) -> None:
        """Warn once per outage, as soon as Redis lacks a committed change.

        An outage without any change is no more than a line of the log, so a redirect
        is followed by one warning, and not by one from every shard.
        """
        if self._outage is None or not self._has_unwritten or self._is_warned:
            return
        self._is_warned = True
        workflow_log.warning(f"Failed to set AI control cache: {self._outage}")


def _log_set(row: MirrorRow) -> None:
    workflow_log.info(
        f"✓ AI control cache set: conversation={row.id}, ai_enabled={row.ai_enabled}"
    )
