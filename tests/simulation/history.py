"""One history: a seed draws the world, its faults and its people, and it is lived."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import NoReturn

import structlog

from actors.conversation.state import Source
from tests.simulation.database import SimulatedDatabase
from tests.simulation.edge import Edge
from tests.simulation.faults import Faults, draw_faults
from tests.simulation.loop import SimulatedLoop
from tests.simulation.people import Customer, People
from tests.simulation.platform import Arrival, SimulatedPlatform
from tests.simulation.responder import SimulatedResponder
from tests.simulation.runtime import Runtime
from tests.simulation.story import Story
from tests.simulation.witness import Witness
from tests.support.memory_journal import MemoryJournal

NAMES = ("sara", "reza", "mina")
#: Eight attempts with all their pauses and doubts end well within this.
CALM_S = 1800.0
#: Lines of the log that say that something was thrown away.
FORBIDDEN = frozenset({"event_poisoned", "event_refused", "shard_failed"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a history ended."""

    seed: int
    failure: str
    story: str
    steps: int
    commits: int


class World:
    """All parts of one history, wired."""

    def __init__(self, seed: int) -> None:
        def stream(name: str) -> Random:
            # A stream of its own per part: a change in one leaves the others alone.
            return Random(f"{seed}:{name}")  # noqa: S311 - not for secrets

        self.random = stream("world")
        self.loop = SimulatedLoop(
            stream("loop"), is_shuffled=self.random.random() < 0.7
        )
        self.faults: Faults = draw_faults(self.random, stream("other faults"))
        self.story = Story(self.loop.time)
        self.memory = MemoryJournal()
        self.database = SimulatedDatabase(
            self.memory, stream("database"), self.faults, self.story
        )
        policy = Runtime.policy
        self.witness = Witness(
            self.memory, policy, self.story, self.loop.time, self.loop.failures
        )
        self.platform = SimulatedPlatform(
            stream("platform"), self.faults, self.story, self.witness
        )
        responder = SimulatedResponder(stream("responder"), self.faults, self.story)
        self.runtime = Runtime(
            self.loop,
            stream("runtime"),
            self.story,
            self.database,
            responder,
            self.platform,
            self.platform,
        )
        self.edge = Edge(self.runtime.submit, stream("edge"), self.faults)
        self.people = People(
            self.edge,
            self.runtime.clock,
            stream("people"),
            self.runtime.new_id,
            self.platform.name_owners_message,
            self.memory,
        )
        self.customers = [
            Customer(name, self.random.choice((*Source, Source.INSTAGRAM)))
            for name in NAMES[: self.random.randint(1, len(NAMES))]
        ]
        self._chaos = stream("chaos")
        self._connect()

    def _connect(self) -> None:
        by_name = {customer.name: customer for customer in self.customers}

        def hear(arrival: Arrival) -> None:
            customer = by_name[arrival.part.customer]
            self.people.hear_echo(customer, arrival.part.content, arrival.mid)

        for customer in self.customers:
            self.story.name(customer.conversation, customer.name)
        self.platform.on_echo = hear
        self.memory.on_commit = self.witness.note_commit
        self.database.on_unseen_commit = self.witness.note_unseen_commit
        self.runtime.on_fenced = self.witness.note_fenced
        self.runtime.on_receipt = self.witness.note_receipt
        self.witness.owners_mids = self.people.owners_mids
        self.loop.between_steps = self._maybe_crash

    async def live(self) -> None:
        """Let everything happen, then let the world calm down and settle."""
        self.story.tell("WORLD  {}", self.faults)
        keeper = asyncio.create_task(self.runtime.keep_running())
        outages = asyncio.create_task(self._have_outages())
        random = self.random
        lives = [
            self.people.write_in_bursts(customer, random.randint(1, 4))
            for customer in self.customers
        ]
        await asyncio.gather(
            *lives, self.people.interfere(self.customers, random.randint(0, 5))
        )
        await asyncio.sleep(random.uniform(0, 60))
        self.faults.end()
        outages.cancel()
        self.database.come_back()
        self.story.tell("CALM   the world behaves from now on")
        await asyncio.sleep(5)
        self.runtime.kill_zombies()
        await self._settle()
        keeper.cancel()
        self.witness.check_end(self.people.promised)
        self.witness.check_corrections(self.people.unsent, self.people.last_words)
        self.witness.check_histories()

    async def _settle(self) -> None:
        until = self.loop.time() + CALM_S
        while self.loop.time() < until:
            await asyncio.sleep(10)
            if not self.edge.open and not self.memory.timers:
                # What still runs, an echo or a late statement, is over by then.
                await asyncio.sleep(250)
                if not self.edge.open and not self.memory.timers:
                    return

    async def _have_outages(self) -> None:
        while self.faults.outages:
            await asyncio.sleep(self._chaos.expovariate(self.faults.outages))
            self.database.go_away()
            await asyncio.sleep(self._chaos.choice((0.01, 1.0, 20.0, 60.0)))
            self.database.come_back()

    def _maybe_crash(self) -> None:
        draw = self._chaos.random()
        if draw < self.faults.crashes:
            self.runtime.crash()
        elif draw < self.faults.crashes + self.faults.usurpations:
            self.runtime.usurp()


def run_history(seed: int, *, tell_always: bool = False) -> Outcome:
    """Live the history of the seed; it is the same each time."""
    world = World(seed)
    failure = ""
    try:
        with _logging_into(world):
            world.loop.run(world.live())
            failure = "; ".join(world.loop.failures)
    except AssertionError as error:
        failure = str(error)
    finally:
        steps = world.loop.steps
        world.loop.bury(world.runtime.processes)
    story = world.story.render() if failure or tell_always else ""
    return Outcome(seed, failure, story, steps, world.witness.commits)


@contextmanager
def _logging_into(world: World) -> Iterator[None]:
    """Make the log's lines part of the story."""

    def tell(
        _logger: object, _level: str, line: structlog.typing.EventDict
    ) -> NoReturn:
        event = str(line.get("event"))
        world.story.tell("LOG    {} {}", event, str(line))
        world.witness.hold("nothing is thrown away", holds=event not in FORBIDDEN)
        raise structlog.DropEvent

    # The list is changed in place: loggers that were used before hold on to it.
    processors = structlog.get_config()["processors"]
    before = list(processors)
    processors[:] = [tell]
    try:
        yield
    finally:
        processors[:] = before
