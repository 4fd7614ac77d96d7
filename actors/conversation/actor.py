"""The Ray actor of a shard: opens its connections, starts it, and serves its calls."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import ray

from actors.clock import SystemClock
from actors.conversation.ports import Profiles, Responder, Sender
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.envelope import pack_results, unpack_events
from actors.conversation.shard.housekeeping import ShardHousekeeping
from actors.conversation.shard.mirror import Mirror, MirrorHealth
from actors.conversation.shard.shard import Shard
from actors.conversation.shard.workflow_catalog import WorkflowCatalog
from actors.conversation.shard.workflow_schedules import WorkflowSchedules
from actors.conversation.shard.workflow_source import StoredWorkflows
from actors.tasks import cancel_and_wait
from actors.workflow.ports import NO_WORKER, Worker
from config import memory
from persistence.database import Pool, open_pool
from persistence.erasure import KeyedHash
from persistence.journal import PostgresJournal
from persistence.listener import Listener
from persistence.workflows import WORKFLOWS_CHANNEL


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """The configuration of a shard's process; travels by pickle."""

    shard: int
    shards: int
    database_url: str
    policy: Policy
    #: How long messages are kept; None for ever.
    message_retention: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ShardDependencies:
    """All that a shard reaches beside its database."""

    responder: Responder
    sender: Sender
    profiles: Profiles
    mirror: Mirror
    #: Remembers the events of erased customers.
    keyed_hash: KeyedHash | None = None
    #: Does outside what runs of workflows order.
    worker: Worker = NO_WORKER


#: Runs inside the shard's process; pickled by its name.
OpenDependencies: TypeAlias = Callable[[Pool], Awaitable[ShardDependencies]]


class ConversationShard:
    """A shard in its own process, which recovers by itself after a crash."""

    async def __init__(  # type: ignore[misc]
        self, plan: ShardPlan, open_dependencies: OpenDependencies
    ) -> None:
        # Ray awaits it, so a restarted shard arms its timers before it is called.
        pool = await open_pool(plan.database_url, max_size=3)
        outside = await open_dependencies(pool)
        self._pool = pool
        self._mirror = outside.mirror
        workflows = WorkflowCatalog(StoredWorkflows(pool))
        self._listener = Listener(plan.database_url)
        self._listener.on(WORKFLOWS_CHANNEL, workflows.forget)
        self._shard = Shard(
            shard=plan.shard,
            shards=plan.shards,
            journal=PostgresJournal(pool, outside.keyed_hash),
            responder=outside.responder,
            sender=outside.sender,
            policy=plan.policy,
            clock=SystemClock(),
            mirror=outside.mirror,
            profiles=outside.profiles,
            worker=outside.worker,
            workflows=workflows,
        )
        await self._listener.start()
        await self._shard.start()
        housekeeping = ShardHousekeeping(
            pool,
            plan.shard,
            plan.shards,
            self._shard.submit,
            SystemClock(),
            plan.message_retention,
        )
        schedules = WorkflowSchedules(
            pool, plan.shard, plan.shards, self._shard.submit, SystemClock()
        )
        self._duties = (
            asyncio.create_task(housekeeping.run(), name="housekeeping"),
            asyncio.create_task(schedules.run(), name="schedules"),
        )
        self._watch = asyncio.create_task(self._end_with_the_shard(), name="watch")
        memory.settle()

    async def submit(self, packed: bytes) -> bytes:
        """Record packed events, and return the results packed; see Shard.submit."""
        return pack_results(await self._shard.submit(unpack_events(packed)))

    async def is_serving(self) -> bool:
        """Return whether the shard takes events."""
        return self._shard.is_serving

    async def mirror_health(self) -> MirrorHealth:
        """Return the state of this shard's mirror."""
        return self._mirror.health

    async def stop(self) -> None:
        """Finish the accepted events, then close."""
        self._watch.cancel()
        await cancel_and_wait(*self._duties)
        await self._shard.stop()
        await self._listener.stop()
        await self._pool.close()

    async def _end_with_the_shard(self) -> None:
        """End the process once the shard fails; Ray begins another."""
        await self._shard.wait_failed()
        os._exit(1)


ConversationShardActor = ray.remote(ConversationShard)
