"""Keeps Redis true to what is committed, without anybody waiting for it.

What is noted is only which conversations changed; what to write is read from the
database, by one task per shard, so an older state can't follow a newer one. While Redis
is away nothing is remembered at all: when it is back, everything is compared, because
nobody else knows what a Redis that was away has lost, or what was changed before this
process began.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import structlog

from actors.conversation.state import Conversation
from config import metrics
from persistence.database import Pool
from persistence.errors import (
    MirrorPlaceLostError,
    MirrorUnreachableError,
    ShardFencedError,
)
from persistence.ids import ConversationId, slot_of
from persistence.journal import Epoch
from persistence.mirror import (
    Found,
    Look,
    MirrorConnection,
    Mirrored,
    Place,
    fetch_mirrored,
    fetch_mirrored_page,
    fetch_places,
)

#: In one script, which others' commands wait for: about a millisecond.
PAGE = 250
#: Past this it is cheaper, and takes no memory, to compare everything.
MAX_NOTED = 10_000
#: What was noted last gets so long to be written at a stop.
STOP_TIMEOUT_S = 1.0

_RESULTS = {Found.RIGHT: "hit", Found.ABSENT: "miss", Found.WRONG: "miss"}

log = structlog.get_logger("mirror")
#: Shares its file with the other lines of a redirect.
workflow_log = structlog.get_logger("workflow")


class MirrorHealth(StrEnum):
    """How true the mirror is."""

    OFF = "off"
    RIGHT = "right"
    BEHIND = "behind"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the mirror does what."""

    #: Changes that come within this of a write are written together.
    gather: timedelta = timedelta(milliseconds=20)
    #: An emptied Redis is noticed after at most this, also when nothing changes.
    check: timedelta = timedelta(seconds=1)
    #: A Redis that is away is asked again this often.
    retry: timedelta = timedelta(seconds=1)
    #: A single key that somebody removed or changed is right again after this.
    compare: timedelta = timedelta(minutes=10)
    #: A Redis that takes longer to answer is away.
    timeout: timedelta = timedelta(seconds=1)


PACE = Pace()


class Mirror(Protocol):
    """Shows others the newest state of a shard's conversations."""

    @property
    def health(self) -> MirrorHealth:
        """How true it is now."""
        ...

    def start(self, epoch: Epoch, shards: int) -> None:
        """Begin to show the conversations of the shard that holds `epoch`."""
        ...

    def note(self, states: Iterable[Conversation]) -> None:
        """Take note of states that were just committed; never waits, never fails."""
        ...

    async def stop(self) -> None:
        """Write what was noted, if that takes no time, and end."""
        ...


class NoMirror:
    """There is no Redis to show anything in."""

    health = MirrorHealth.OFF

    def start(self, epoch: Epoch, shards: int) -> None:
        """Do nothing."""

    def note(self, states: Iterable[Conversation]) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""


NO_MIRROR = NoMirror()


class RedisMirror:
    """Shows them in Redis."""

    def __init__(self, pool: Pool, url: str, pace: Pace = PACE) -> None:
        self._pool = pool
        self._url = url
        self._pace = pace
        self._shards = 1
        self._place = Place(0, 0, 0)
        self._noted: set[ConversationId] = set()
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_comparing_next = True
        #: Why Redis is away; None while it is not.
        self._outage: str | None = None
        self._is_warned = False
        #: Whether something was committed that Redis does not show yet.
        self._is_owing = False
        self._health = MirrorHealth.BEHIND

    @property
    def health(self) -> MirrorHealth:
        """How true it is now."""
        return self._health

    def start(self, epoch: Epoch, shards: int) -> None:
        """Begin to show the conversations of the shard that holds `epoch`."""
        self._shards = shards
        self._place = Place(epoch.shard, epoch.epoch, 0)
        self._task = asyncio.create_task(self._run(), name=f"mirror-{epoch.shard}")

    def note(self, states: Iterable[Conversation]) -> None:
        """Take note of states that were just committed; never waits, never fails."""
        self._is_owing = True
        if self._is_comparing_next:
            self._warn()
            return
        self._noted.update(state.id for state in states)
        if len(self._noted) > MAX_NOTED:
            self._compare_next()
        self._changed.set()

    async def stop(self) -> None:
        """Write what was noted, if that takes no time, and end."""
        self._stopping.set()
        self._changed.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=STOP_TIMEOUT_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                async with MirrorConnection(self._url, self._pace.timeout) as redis:
                    while not self._stopping.is_set():
                        await self._hold(redis)
            except ShardFencedError:
                self._health = MirrorHealth.OFF
                log.info("mirror_fenced", shard=self._place.shard)
                return
            except MirrorUnreachableError as error:
                self._note_outage(error)
            except Exception as error:  # noqa: BLE001 - the loop must survive
                # Most likely the database is away, of which the shard itself warns.
                self._health = MirrorHealth.BEHIND
                log.info("mirror_waits", shard=self._place.shard, error=repr(error))
            self._compare_next()
            await self._pause(self._stopping, self._pace.retry)

    async def _hold(self, redis: MirrorConnection) -> None:
        """Make everything right, then keep it so until it is time to compare again."""
        try:
            await self._take_place(redis)
            await self._compare_all(redis)
            await self._follow(redis)
        except MirrorPlaceLostError:
            self._health = MirrorHealth.BEHIND
            log.info("mirror_place_lost", shard=self._place.shard)
            await self._pause(self._stopping, self._pace.gather)

    async def _take_place(self, redis: MirrorConnection) -> None:
        """Claim the place, under a count that none of our older writes carries.

        Raises:
            ShardFencedError: another holds the shard.
        """
        place = self._place
        self._place = Place(place.shard, place.epoch, place.count + 1)
        greater: str | None = ""
        while greater is not None:
            # Asked after a greater place was seen: if that is a later runtime's, the
            # database knows; if the shard is still ours, it is of another database.
            epochs = await fetch_places(self._pool)
            if epochs.get(place.shard) != place.epoch:
                raise ShardFencedError
            greater = await redis.take(self._place, epochs, greater)

    async def _compare_all(self, redis: MirrorConnection) -> None:
        """Look at every conversation of the shard, and set right what is not."""
        self._noted.clear()
        # From here on changes are noted: those before are seen by the reading below.
        self._is_comparing_next = False
        found: Counter[Found] = Counter()
        after = ConversationId(UUID(int=0))
        while True:
            page = await fetch_mirrored_page(self._pool, after, PAGE * self._shards)
            looks = await self._write(redis, [row for row in page if self._owns(row)])
            found.update(look.ai_control for look in looks)
            await self._write_noted(redis)
            if not page or self._is_comparing_next or self._stopping.is_set():
                break
            after = page[-1].id
        if self._is_comparing_next or self._stopping.is_set():
            return
        self._health = MirrorHealth.RIGHT
        self._is_owing = bool(self._noted)
        if found[Found.ABSENT] or found[Found.WRONG] or self._outage is not None:
            log.info(
                "mirror_made_right",
                shard=self._place.shard,
                right=found[Found.RIGHT],
                absent=found[Found.ABSENT],
                wrong=found[Found.WRONG],
            )
        self._outage, self._is_warned = None, False

    async def _follow(self, redis: MirrorConnection) -> None:
        """Write what is noted; between, look whether the place is still ours."""
        loop = asyncio.get_running_loop()
        compare_at = loop.time() + self._pace.compare.total_seconds()
        while loop.time() < compare_at and not self._is_comparing_next:
            self._changed.clear()
            if self._noted:
                await self._write_noted(redis)
                self._is_owing = bool(self._noted)
            else:
                await self._write(redis, ())
            if self._stopping.is_set():
                return
            await self._pause(self._stopping, self._pace.gather)
            await self._pause(self._changed, self._pace.check)

    def _owns(self, row: Mirrored) -> bool:
        return slot_of(row.id) % self._shards == self._place.shard

    async def _write_noted(self, redis: MirrorConnection) -> None:
        while self._noted:
            ids = [self._noted.pop() for _ in range(min(PAGE, len(self._noted)))]
            rows = await fetch_mirrored(self._pool, ids)
            looks = await self._write(redis, rows)
            for row, look in zip(rows, looks, strict=True):
                # A new conversation that the AI leads was switched by nobody.
                if look.ai_control is Found.ABSENT and not row.ai_enabled:
                    _tell_set(row)

    async def _write(
        self, redis: MirrorConnection, rows: Sequence[Mirrored]
    ) -> list[Look]:
        looks = await redis.write(self._place, rows)
        for row, look in zip(rows, looks, strict=True):
            metrics.AI_CONTROL_CACHE.labels(_RESULTS[look.ai_control]).inc()
            if look.ai_control is Found.WRONG:
                _tell_set(row)
        return looks

    def _compare_next(self) -> None:
        """Remember nothing more until everything is compared."""
        self._is_comparing_next = True
        self._noted.clear()

    def _note_outage(self, error: MirrorUnreachableError) -> None:
        metrics.AI_CONTROL_CACHE.labels("error").inc()
        self._health = MirrorHealth.UNREACHABLE
        if self._outage is None:
            log.info("mirror_unreachable", shard=self._place.shard, error=str(error))
        self._outage = str(error)
        self._warn()

    def _warn(self) -> None:
        """Warn once per outage, as soon as there is something that it kept from Redis.

        An outage that nobody's conversation meets is no more than a line of the log, so
        a redirect is followed by one warning, and not by one from every shard.
        """
        if self._outage is None or not self._is_owing or self._is_warned:
            return
        self._is_warned = True
        workflow_log.warning(f"Failed to set AI control cache: {self._outage}")

    @staticmethod
    async def _pause(until: asyncio.Event, at_most: timedelta) -> None:
        # Not wait_for: see the shard's timers.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most.total_seconds()):
                await until.wait()


def _tell_set(row: Mirrored) -> None:
    workflow_log.info(
        f"✓ AI control cache set: conversation={row.id}, ai_enabled={row.ai_enabled}"
    )
