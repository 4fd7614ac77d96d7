"""A semaphore whose places are shared fairly among tenants."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from persistence.ids import TenantId


class FairSemaphore:
    """Gives out places; a tenant never takes the last ones.

    A tenant may take one more place while it holds fewer than twice the free ones: the
    threshold of a shared buffer (Choudhury and Hahne, 1998). A tenant that is alone has
    two thirds of the places; n tenants that want as many as they can get leave
    1 / (2n + 1) of them to those who come.
    """

    #: Places that a tenant may hold for each free one.
    FACTOR = 2

    def __init__(self, places: int) -> None:
        self._free = places
        self._held: Counter[TenantId] = Counter()
        #: In the order of their turns; a tenant is here while somebody waits.
        self._waiting: dict[TenantId, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def place(self, tenant_id: TenantId) -> AsyncIterator[None]:
        """Hold a place, as soon as the tenant's turn comes."""
        await self._take(tenant_id)
        try:
            yield
        finally:
            self._give_back(tenant_id)

    async def _take(self, tenant_id: TenantId) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The place came together with the cancellation.
                self._give_back(tenant_id)
            else:
                self._forget(tenant_id, turn)
            raise

    def _give_back(self, tenant_id: TenantId) -> None:
        self._free += 1
        self._held[tenant_id] -= 1
        if not self._held[tenant_id]:
            del self._held[tenant_id]
        self._admit()

    def _admit(self) -> None:
        """Give free places to tenants in turns, as far as their shares go."""
        while admitted := self._find_next():
            tenant_id, turn = admitted
            self._free -= 1
            self._held[tenant_id] += 1
            turn.set_result(None)

    def _find_next(self) -> "tuple[TenantId, asyncio.Future[None]] | None":
        for tenant_id, turns in self._waiting.items():
            if self._held[tenant_id] < self.FACTOR * self._free:
                turn = turns.popleft()
                del self._waiting[tenant_id]
                if turns:
                    # Behind the others.
                    self._waiting[tenant_id] = turns
                return tenant_id, turn
        return None

    def _forget(self, tenant_id: TenantId, turn: "asyncio.Future[None]") -> None:
        turns = self._waiting.get(tenant_id, deque())
        if turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[tenant_id]
