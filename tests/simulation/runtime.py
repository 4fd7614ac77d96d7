"""The simulated runtime: starts, kills and replaces the shard's processes."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

from actors.conversation.errors import ShardUnavailableError
from actors.conversation.events import Event
from actors.conversation.ports import Profiles, Responder, Sender
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.envelope import Receipt
from actors.conversation.shard.shard import Shard
from actors.conversation.shard.workflow_catalog import (
    NoWorkflows,
    WorkflowCatalog,
    WorkflowSource,
)
from actors.errors import ActorError
from actors.workflow.ports import NO_WORKER, Worker
from persistence.errors import PersistenceError
from tests.simulation.database import SimulatedDatabase
from tests.simulation.loop import Process, SimulatedLoop
from tests.simulation.trace import Trace

T = TypeVar("T")

NOON = datetime(2026, 3, 21, 12, tzinfo=UTC)
#: A caller gives a shard that does not answer up after this.
TIMEOUT_S = 10.0
#: Small, so that states are forgotten and read again within one history.
MAX_RESIDENT = 2

Answer = list[Receipt | ActorError] | None


class LoopClock:
    """The loop's seconds as instants after noon."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        """Return the instant, aware, in UTC."""
        return NOON + timedelta(seconds=self._loop.time())


@dataclass(slots=True)
class Host:
    """A process with a shard, and the calls that wait for its answers."""

    process: Process
    shard: Shard
    #: Each tells one waiting caller that the process is gone.
    calls: list[Callable[[], None]] = field(default_factory=list)
    is_started: bool = False


class Runtime:
    """Starts and kills hosts, and submits events to the current one."""

    policy = Policy()

    def __init__(
        self,
        loop: SimulatedLoop,
        random: Random,
        trace: Trace,
        database: SimulatedDatabase,
        responder: Responder,
        sender: Sender,
        profiles: Profiles,
        worker: Worker = NO_WORKER,
        workflows: WorkflowSource | None = None,
    ) -> None:
        self._worker = worker
        self._workflows = workflows or NoWorkflows()
        self.clock = LoopClock(loop)
        #: Called with each receipt that a caller gets.
        self.on_receipt: Callable[[Receipt], None] = lambda _: None
        #: Called with the newest shard once it has stopped serving by itself.
        self.on_fenced: Callable[[Shard], None] = lambda _: None
        self.processes: list[Process] = []
        self._loop = loop
        self._random = random
        self._trace = trace
        self._database = database
        self._responder = responder
        self._sender = sender
        self._profiles = profiles
        self._current: Host | None = None
        self._zombies: list[Host] = []
        self._max_sends = random.choice((1, 2, 32))
        self._ids = Random(random.random())  # noqa: S311 - ids of a trace, no secrets

    def new_id(self) -> UUID:
        """Return an id that depends on the seed alone."""
        return UUID(int=self._ids.getrandbits(128), version=4)

    @property
    def is_serving(self) -> bool:
        """Whether the newest shard takes events."""
        return self._current is not None and self._current.shard.is_serving

    async def keep_running(self) -> None:
        """Start the shard, and again whenever it is gone: what Ray does."""
        while True:
            if self._current is None:
                await self.start()
            elif self._current.is_started and not self._current.shard.is_serving:
                self._trace.write("{} does not serve", self._current.process.name)
                self.on_fenced(self._current.shard)
                self.kill(self._current)
            await asyncio.sleep(self._random.uniform(0.3, 2.0))

    async def start(self) -> None:
        """Start a host, which becomes the current one."""
        process = Process(f"shard-{len(self.processes) + 1}")
        self.processes.append(process)
        self._trace.write("START  {}", process.name)
        shard = Shard(
            shard=0,
            shards=1,
            journal=self._database,
            responder=self._responder,
            sender=self._sender,
            policy=self.policy,
            clock=self.clock,
            new_id=self.new_id,
            max_resident=MAX_RESIDENT,
            max_sends=self._max_sends,
            profiles=self._profiles,
            worker=self._worker,
            workflows=WorkflowCatalog(self._workflows),
        )
        host = self._current = Host(process, shard)
        try:
            await asyncio.wait_for(self._within(host, shard.start), 5.0)
        except (PersistenceError, TimeoutError, ShardUnavailableError) as error:
            self._trace.write("{} does not start: {}", process.name, error)
            self.kill(host)
        else:
            host.is_started = True

    def crash(self) -> None:
        """Kill the current host between two steps."""
        if self._current is not None:
            self.kill(self._current)

    def cut_off(self) -> None:
        """Let a second host claim the shard; the first lives on, and is fenced."""
        if self._current is None or not self._current.is_started:
            return
        self._trace.write("{} is cut off, and lives on", self._current.process.name)
        self._zombies.append(self._current)
        self._current = None

    def kill(self, host: Host) -> None:
        """End the process; its callers learn that it is gone."""
        self._trace.write("KILL   {}", host.process.name)
        host.process.kill()
        for lose in host.calls:
            lose()
        if self._current is host:
            self._current = None
        if host in self._zombies:
            self._zombies.remove(host)

    def kill_zombies(self) -> None:
        """End all hosts that were cut off."""
        for host in list(self._zombies):
            self.kill(host)

    async def submit(self, events: Sequence[Event]) -> Answer:
        """Submit the events to a shard; None without an answer."""
        host = self._current
        if self._zombies and self._random.random() < 0.3:
            host = self._random.choice(self._zombies)
        if host is None or not host.is_started:
            return None
        try:
            results = await asyncio.wait_for(
                self._within(host, lambda: host.shard.submit(events)), TIMEOUT_S
            )
        except (ShardUnavailableError, TimeoutError):
            return None
        for result in results:
            if isinstance(result, Receipt):
                self.on_receipt(result)
        return results

    async def _within(
        self, host: Host, work: Callable[[], Coroutine[None, None, T]]
    ) -> T:
        """Run `work` as part of the host's process, and die with it."""
        answer: asyncio.Future[T] = self._loop.create_future()

        def lose() -> None:
            _fail(answer, ShardUnavailableError())

        async def call() -> None:
            try:
                result = await work()
            except Exception as error:  # noqa: BLE001 - it travels to the caller
                _fail(answer, error)
            else:
                if not answer.done():
                    answer.set_result(result)

        host.process.context.run(self._loop.create_task, call())
        host.calls.append(lose)
        try:
            return await answer
        finally:
            host.calls.remove(lose)


def _fail(answer: "asyncio.Future[T]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
