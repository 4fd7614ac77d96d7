"""Runs one simulated history: a seed draws the world, its faults and its users."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import NoReturn

import structlog

from actors.conversation.rules.policy import Policy
from actors.conversation.shard.workflow_catalog import NoWorkflows, WorkflowSource
from actors.conversation.state import Source
from actors.workflow.ports import NO_WORKER, Worker
from tests.simulation.database import SimulatedDatabase
from tests.simulation.faults import Faults, draw_faults
from tests.simulation.gateway import Gateway
from tests.simulation.loop import SimulatedLoop
from tests.simulation.observer import Observer
from tests.simulation.platform import Arrival, SimulatedPlatform
from tests.simulation.responder import SimulatedResponder
from tests.simulation.runtime import Runtime
from tests.simulation.trace import Trace
from tests.simulation.users import Customer, Users
from tests.support.conversation.memory_journal import MemoryJournal

NAMES = ("sara", "reza", "mina")
#: Eight attempts with all their pauses and time-outs end well within this.
CALM_S = 1800.0
#: Log events that say that an event was discarded.
FORBIDDEN = frozenset({"event_poisoned", "event_refused", "shard_failed"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a history ended."""

    seed: int
    failure: str
    trace: str
    steps: int
    commits: int


class World:
    """All parts of one history, connected."""

    def __init__(self, seed: int) -> None:
        def stream(name: str) -> Random:
            # A stream of its own per part: a change in one leaves the others alone.
            return Random(f"{seed}:{name}")  # noqa: S311 - not for secrets

        self.random = stream("world")
        self.loop = SimulatedLoop(
            stream("loop"), is_shuffled=self.random.random() < 0.7
        )
        self.faults: Faults = draw_faults(self.random, stream("other faults"))
        self.trace = Trace(self.loop.time)
        self.memory = MemoryJournal()
        self.database = SimulatedDatabase(
            self.memory, stream("database"), self.faults, self.trace
        )
        policy = Runtime.policy
        self.observer = self._build_observer(policy)
        self.platform = SimulatedPlatform(
            stream("platform"), self.faults, self.trace, self.observer
        )
        responder = SimulatedResponder(stream("responder"), self.faults, self.trace)
        self.runtime = Runtime(
            self.loop,
            stream("runtime"),
            self.trace,
            self.database,
            responder,
            self.platform,
            self.platform,
            *self._build_workflows(stream("worker")),
        )
        self.gateway = Gateway(self.runtime.submit, stream("edge"), self.faults)
        self.users = self._users(
            self.gateway,
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

    #: Who writes in such a history.
    _users = Users

    def _build_observer(self, policy: Policy) -> Observer:
        return Observer(
            self.memory, policy, self.trace, self.loop.time, self.loop.failures
        )

    def _build_workflows(self, random: Random) -> tuple[Worker, WorkflowSource]:
        del random
        return NO_WORKER, NoWorkflows()

    def _connect(self) -> None:
        by_name = {customer.name: customer for customer in self.customers}

        def hear(arrival: Arrival) -> None:
            customer = by_name[arrival.part.customer]
            self.users.report_echo(customer, arrival.part.content, arrival.mid)

        for customer in self.customers:
            self.trace.name(customer.conversation, customer.name)
        self.platform.on_echo = hear
        self.memory.on_commit = self.observer.note_commit
        self.database.on_unseen_commit = self.observer.note_unseen_commit
        self.runtime.on_fenced = self.observer.note_fenced
        self.runtime.on_receipt = self.observer.note_receipt
        self.observer.owners_mids = self.users.owners_mids
        self.loop.between_steps = self._maybe_crash

    async def live(self) -> None:
        """Let everything happen, then let the world calm down and settle."""
        self.trace.write("WORLD  {}", self.faults)
        keeper = asyncio.create_task(self.runtime.keep_running())
        outages = asyncio.create_task(self._have_outages())
        random = self.random
        lives = [
            self.users.write_in_bursts(customer, random.randint(1, 4))
            for customer in self.customers
        ]
        await asyncio.gather(
            *lives, self.users.interfere(self.customers, random.randint(0, 5))
        )
        await asyncio.sleep(random.uniform(0, 60))
        self.faults.end()
        outages.cancel()
        self.database.come_back()
        self.trace.write("CALM   the world behaves from now on")
        await asyncio.sleep(5)
        self.runtime.kill_zombies()
        await self._settle()
        keeper.cancel()
        self.observer.check_end(self.users.promised)
        self.observer.check_corrections(self.users.unsent, self.users.last_words)
        self.observer.check_histories()

    async def _settle(self) -> None:
        until = self.loop.time() + CALM_S
        while self.loop.time() < until:
            await asyncio.sleep(10)
            if not self.gateway.open and not self.memory.timers:
                # What still runs, an echo or a late statement, is over by then.
                await asyncio.sleep(250)
                if not self.gateway.open and not self.memory.timers:
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
        elif draw < self.faults.crashes + self.faults.cut_offs:
            self.runtime.cut_off()


def run_history(
    seed: int, *, trace_always: bool = False, world_of: Callable[[int], World] = World
) -> Outcome:
    """Run the history of the seed; it is the same each time."""
    world = world_of(seed)
    failure = ""
    try:
        with _logging_into(world):
            world.loop.run(world.live())
            failure = "; ".join(world.loop.failures)
    except AssertionError as error:
        failure = str(error)
    finally:
        steps = world.loop.steps
        world.loop.dispose(world.runtime.processes)
    trace = world.trace.render() if failure or trace_always else ""
    return Outcome(seed, failure, trace, steps, world.observer.commits)


@contextmanager
def _logging_into(world: World) -> Iterator[None]:
    """Make the log's lines part of the trace."""

    def tell(
        _logger: object, _level: str, line: structlog.typing.EventDict
    ) -> NoReturn:
        event = str(line.get("event"))
        world.trace.write("LOG    {} {}", event, str(line))
        world.observer.check("nothing is thrown away", holds=event not in FORBIDDEN)
        raise structlog.DropEvent

    # The list is changed in place: loggers that were used before hold on to it.
    processors = structlog.get_config()["processors"]
    before = list(processors)
    processors[:] = [tell]
    try:
        yield
    finally:
        processors[:] = before
