"""The Ray shell of a shard: opens its connections, starts it, answers for it."""

import asyncio
import os
from dataclasses import dataclass
from typing import Protocol

import ray

from actors.clock import SystemClock
from actors.conversation.ports import Profiles, Responder, Sender
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.mirror import Mirror, MirrorHealth
from actors.conversation.shard.shard import Shard
from actors.conversation.shard.wire import pack_results, unpack_events
from config import memory
from persistence.database import Pool, open_pool
from persistence.postgres_journal import PostgresJournal


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """All that a shard's process needs to begin; travels by pickle."""

    shard: int
    shards: int
    database_url: str
    policy: Policy


class Outside(Protocol):
    """Opens, inside the shard's process, what the shard needs done outside."""

    async def open(self, pool: Pool) -> tuple[Responder, Sender, Profiles, Mirror]:
        """Open the ways to the answering side, the platforms and the mirror."""
        ...


class ConversationShard:
    """A shard in a process of its own. It recovers by itself after a crash."""

    async def __init__(self, plan: ShardPlan, outside: Outside) -> None:  # type: ignore[misc]
        # Ray awaits it, so a restarted shard arms its timers before it is called.
        pool = await open_pool(plan.database_url, max_size=3)
        responder, sender, profiles, mirror = await outside.open(pool)
        self._pool = pool
        self._mirror = mirror
        self._shard = Shard(
            shard=plan.shard,
            shards=plan.shards,
            journal=PostgresJournal(pool),
            responder=responder,
            sender=sender,
            policy=plan.policy,
            clock=SystemClock(),
            mirror=mirror,
            profiles=profiles,
        )
        await self._shard.start()
        self._watch = asyncio.create_task(self._end_with_the_shard(), name="watch")
        memory.settle()

    async def submit(self, packed: bytes) -> bytes:
        """Record packed events, and return the results packed; see Shard.submit."""
        return pack_results(await self._shard.submit(unpack_events(packed)))

    async def is_serving(self) -> bool:
        """Tell whether the shard holds its place and takes events."""
        return self._shard.is_serving

    async def mirror_health(self) -> MirrorHealth:
        """Tell how true Redis shows this shard's conversations."""
        return self._mirror.health

    async def stop(self) -> None:
        """Finish what was accepted, then close."""
        self._watch.cancel()
        await self._shard.stop()
        await self._pool.close()

    async def _end_with_the_shard(self) -> None:
        """End the process once the shard fails; Ray begins another."""
        await self._shard.wait_failed()
        os._exit(1)


ConversationShardActor = ray.remote(ConversationShard)
