"""The gateway of a simulated history: delivers webhooks until they are accepted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random

from actors.conversation.events import Event
from tests.simulation.faults import Faults
from tests.simulation.runtime import Answer

Post = Callable[[Sequence[Event]], Awaitable[Answer]]
#: Builds the event of one attempt: at the time of the delivery, with a constant id.
EventFactory = Callable[[], Event]
#: Hours of trying, like a platform's.
MAX_POSTS = 1000


class Gateway:
    """Delivers like a platform: late, twice, and again until there is a 200."""

    def __init__(self, post: Post, random: Random, faults: Faults) -> None:
        self._post = post
        self._random = random
        self._faults = faults
        #: Deliveries under way: the history does not end before they do.
        self.open = 0
        self._tasks: list[asyncio.Task[None]] = []

    def deliver(self, factories: Sequence[EventFactory]) -> None:
        """Deliver them together, like the events of one webhook."""
        self.open += 1
        self._tasks.append(asyncio.create_task(self._deliver(factories)))

    async def _deliver(self, factories: Sequence[EventFactory]) -> None:
        if self._random.random() < self._faults.late_webhook:
            await asyncio.sleep(self._random.uniform(0.5, 20))
        await self._repeat(factories)
        if self._random.random() < self._faults.doubled_webhook:
            await asyncio.sleep(self._random.uniform(0, 30))
            await self._repeat(factories)
        self.open -= 1

    async def _repeat(self, factories: Sequence[EventFactory]) -> None:
        """Post until all events are accepted: a platform repeats whole webhooks."""
        for _ in range(MAX_POSTS):
            if is_accepted(await self._post([factory() for factory in factories])):
                return
            await asyncio.sleep(self._random.uniform(0.2, 8))


def is_accepted(answer: Answer) -> bool:
    """Return whether the answer to the platform would be a 200."""
    return answer is not None and all(
        not isinstance(result, Exception) or result.permanent for result in answer
    )
