"""A simulated platform, which accepts a part, refuses it, or does not answer.

The invariants are checked against what arrived. A call that times out may have arrived
or not; its echo comes soon, late, or never.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass
from random import Random
from typing import Protocol

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError
from actors.conversation.ports import CustomerRef, OutgoingPart, ProfileUnavailable
from actors.conversation.state import Profile, Source
from persistence.ids import SendId
from tests.simulation.faults import Faults
from tests.simulation.trace import Trace

#: Longer than the echo's timeout of the policy.
LATE_ECHO_S = (35.0, 240.0)
#: The adapter gives a call up after this; below the lease of a send.
CALL_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A part that reached the customer."""

    part: OutgoingPart
    mid: str
    at: float


class PlatformObserver(Protocol):
    """Checks the calls to the platform."""

    def note_lookup(self, customer: str) -> None:
        """Note a profile look-up."""
        ...

    def note_call(self, part: OutgoingPart) -> None:
        """Note a call to the platform."""
        ...

    def note_arrival(self, arrival: Arrival) -> None:
        """Note the arrival of a part."""
        ...


def name_of(customer: str) -> Profile:
    """Return the customer's profile."""
    return Profile(customer.title(), "", f"{customer}_88")


class SimulatedPlatform:
    """All platforms at once: the source of a part says which one it is."""

    def __init__(
        self, random: Random, faults: Faults, trace: Trace, observer: PlatformObserver
    ) -> None:
        self._random = random
        self._faults = faults
        self._trace = trace
        self._observer = observer
        self._context: Context = copy_context()
        #: What echoes go through; takes the echo's mid and the part.
        self.on_echo: Callable[[Arrival], None] = lambda _: None
        self.arrivals: defaultdict[SendId, list[Arrival]] = defaultdict(list)
        self._count = 0

    async def send(self, part: OutgoingPart) -> str:
        """Accept the part, refuse it, or do not answer."""
        self._trace.write(
            "CALL   {} part {} '{}'", part.source, part.send_id, part.content
        )
        self._observer.note_call(part)
        if self._draw(self._faults.forbidden_send):
            await self._pass(0.01, 1.0)
            raise SendRefusedError(permanent=True)
        if self._draw(self._faults.refused_send):
            await self._pass(0.01, 1.0)
            pause = self._random.choice((None, 1.0, 20.0))
            is_held = self._random.random() < 0.2
            raise SendRefusedError(retry_after_s=pause, is_held=is_held)
        if self._draw(self._faults.slow_send):
            await self._pass(12.0, CALL_TIMEOUT_S - 1.0)
        mid = self._new_mid()
        if self._draw(self._faults.lost_send):
            if self._random.random() < 0.5:
                self._arrive_in(self._random.uniform(0.01, 10.0), part, mid)
            else:
                self._trace.write("LOST   part {} never arrives", part.send_id)
            await asyncio.sleep(self._random.choice((0.5, CALL_TIMEOUT_S)))
            raise SendOutcomeUnknownError
        travel = self._random.uniform(0.005, 0.1)
        self._arrive_in(travel, part, mid)
        await self._pass(travel, travel + 0.8)
        return mid

    async def look_up(self, customer: CustomerRef) -> Profile | ProfileUnavailable:
        """Return the customer's name, or none; sometimes late."""
        self._observer.note_lookup(customer.customer)
        if self._draw(self._faults.untold_name):
            await self._pass(0.1, 20.0)
            return ProfileUnavailable(
                "told to fail",
                is_temporary=self._random.random() < 0.5,
                is_held=self._random.random() < 0.2,
            )
        await self._pass(0.01, 2.0)
        return name_of(customer.customer)

    def name_owners_message(self) -> str:
        """Return a mid for what the shop's owner typed in the app."""
        return self._new_mid()

    def _arrive_in(self, delay_s: float, part: OutgoingPart, mid: str) -> None:
        # Under way in the network: the caller's death does not hold it back.
        loop = asyncio.get_running_loop()
        loop.call_later(delay_s, self._arrive, part, mid, context=self._context)

    def _arrive(self, part: OutgoingPart, mid: str) -> None:
        loop = asyncio.get_running_loop()
        arrival = Arrival(part, mid, loop.time())
        self._trace.write("ARRIVES part {} as {}", part.send_id, mid)
        self.arrivals[part.send_id].append(arrival)
        self._observer.note_arrival(arrival)
        if part.source is not Source.INSTAGRAM or self._draw(self._faults.lost_echo):
            return
        is_late = self._draw(self._faults.late_echo)
        delay = self._random.uniform(*(LATE_ECHO_S if is_late else (0.01, 2.0)))
        loop.call_later(delay, self.on_echo, arrival, context=self._context)

    async def _pass(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self._random.uniform(least_s, most_s))

    def _draw(self, chance: float) -> bool:
        return self._random.random() < chance

    def _new_mid(self) -> str:
        self._count += 1
        return f"mid-{self._count}"
