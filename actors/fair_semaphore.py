"""A semaphore whose places are shared out fairly: no tenant can fill it alone."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from actors.errors import TooManyWaitingError

#: A tenant, and what of the tenant's it is about: a channel, say.
Lane: TypeAlias = tuple[Hashable, Hashable]
Key = TypeVar("Key", bound=Hashable)

#: A tenant may always have so many places, as long as one is free.
SHARE = 8
#: This part of the places is never given to a tenant beyond its share.
SPARE_PART = 4
#: Waiting takes some 5 KB each; more of one tenant would wait for minutes.
MAX_WAITING = 2000
#: Of all tenants together, shared out evenly over those that wait.
MAX_WAITING_IN_ALL = 20_000


@dataclass(eq=False, slots=True)
class _Waiter:
    ready: asyncio.Future[None]
    #: The order of arrival.
    number: int


class FairSemaphore:
    """Gives out places, as `asyncio.Semaphore` does, but fairly among tenants.

    A tenant below its share enters as long as a place is free. Beyond its share it
    enters only while more than `spare` are free, a quarter of them by default and one
    at least: so a tenant that begins to ask finds a place at once, whatever another has
    begun before. A place that becomes free goes to the tenant that has the fewest
    (max-min fairness), then to its lane that has the fewest, then to who came first.

    `max_waiting` bounds a tenant's queue, `max_waiting_in_all` that of all tenants.
    Where `max_waiting` is None nobody is refused: the caller bounds how many come.
    """

    def __init__(
        self,
        places: int,
        *,
        share: int = SHARE,
        spare: int | None = None,
        max_waiting: int | None = MAX_WAITING,
        max_waiting_in_all: int = MAX_WAITING_IN_ALL,
    ) -> None:
        self._free = places
        if spare is None:
            spare = min(places - 1, max(1, places // SPARE_PART))
        self._spare = spare
        self._share = max(1, min(share, self._spare))
        self._max_waiting = max_waiting
        self._max_waiting_in_all = max_waiting_in_all
        self._held: Counter[Hashable] = Counter()
        self._held_by_lane: Counter[Lane] = Counter()
        self._queues: dict[Lane, deque[_Waiter]] = {}
        self._waiting: Counter[Hashable] = Counter()
        self._arrivals = 0

    @asynccontextmanager
    async def place(
        self, tenant: Hashable, lane: Hashable = None
    ) -> AsyncIterator[None]:
        """Hold a place; see `acquire`."""
        await self.acquire(tenant, lane)
        try:
            yield
        finally:
            self.release(tenant, lane)

    async def acquire(self, tenant: Hashable, lane: Hashable = None) -> bool:
        """Wait for a place; return whether there was any waiting.

        Raises:
            TooManyWaitingError: too many of this tenant's wait already.
        """
        key = (tenant, lane)
        if self._may_enter(key):
            self._enter(key)
            return False
        if self._is_full(tenant):
            raise TooManyWaitingError
        self._arrivals += 1
        ready = asyncio.get_running_loop().create_future()
        waiter = _Waiter(ready, self._arrivals)
        self._queues.setdefault(key, deque()).append(waiter)
        self._waiting[tenant] += 1
        try:
            await ready
        except asyncio.CancelledError:
            if ready.done() and not ready.cancelled():
                # The place came in the very moment in which the caller gave up.
                self.release(tenant, lane)
            else:
                self._leave_queue(key, waiter)
            raise
        return True

    def release(self, tenant: Hashable, lane: Hashable = None) -> None:
        """Give a place back, to whoever is next."""
        key = (tenant, lane)
        self._free += 1
        _decrement(self._held, tenant)
        _decrement(self._held_by_lane, key)
        while (following := self._next()) is not None:
            waiter = self._queues[following][0]
            self._leave_queue(following, waiter)
            # A caller that is just being cancelled takes no place.
            if not waiter.ready.cancelled():
                self._enter(following)
                waiter.ready.set_result(None)

    def _may_enter(self, key: Lane) -> bool:
        if self._free > self._spare:
            return True
        is_below = self._held[key[0]] < self._share
        return self._free > 0 and is_below

    def _is_full(self, tenant: Hashable) -> bool:
        if self._max_waiting is None:
            return False
        others = len(self._waiting.keys() - {tenant})
        even = self._max_waiting_in_all // (others + 1)
        return self._waiting[tenant] >= min(self._max_waiting, even)

    def _enter(self, key: Lane) -> None:
        self._free -= 1
        self._held[key[0]] += 1
        self._held_by_lane[key] += 1

    def _next(self) -> Lane | None:
        return min(
            filter(self._may_enter, self._queues),
            key=lambda key: (
                self._held[key[0]],
                self._held_by_lane[key],
                self._queues[key][0].number,
            ),
            default=None,
        )

    def _leave_queue(self, key: Lane, waiter: _Waiter) -> None:
        queue = self._queues.get(key)
        if queue is None or waiter not in queue:
            return
        queue.remove(waiter)
        if not queue:
            del self._queues[key]
        _decrement(self._waiting, key[0])


def _decrement(counts: Counter[Key], key: Key) -> None:
    """Count one less; a tenant that holds nothing takes no memory."""
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]
