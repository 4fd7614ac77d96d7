"""The Ray shell of a shard: opens its connections, starts it, answers for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, cast

import ray
from ray import ObjectRef
from ray.actor import ActorHandle

from actors.clock import SystemClock
from actors.conversation.client import NAMESPACE, shard_name
from actors.conversation.errors import ActorError
from actors.conversation.events import Event
from actors.conversation.policy import Policy
from actors.conversation.ports import Responder, Sender
from actors.conversation.shard import Receipt, Shard
from persistence.database import Pool, open_pool


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """All that a shard's process needs to begin; travels by pickle."""

    shard: int
    shards: int
    database_url: str
    policy: Policy


class Outside(Protocol):
    """Opens, inside the shard's process, what the shard needs done outside."""

    async def open(self, pool: Pool) -> tuple[Responder, Sender]:
        """Open connections to the answering side and the platforms."""
        ...


class ConversationShard:
    """A shard in a process of its own. It recovers by itself after a crash."""

    async def __init__(self, plan: ShardPlan, outside: Outside) -> None:  # type: ignore[misc]
        # Ray awaits it, so a restarted shard arms its timers before it is called.
        pool = await open_pool(plan.database_url, max_size=3)
        responder, sender = await outside.open(pool)
        self._pool = pool
        self._shard = Shard(
            shard=plan.shard,
            shards=plan.shards,
            pool=pool,
            responder=responder,
            sender=sender,
            policy=plan.policy,
            clock=SystemClock(),
        )
        await self._shard.start()

    async def submit(self, events: Sequence[Event]) -> list[Receipt | ActorError]:
        """Record events; see Shard.submit."""
        return await self._shard.submit(events)

    async def is_serving(self) -> bool:
        """Tell whether the shard holds its place and takes events."""
        return self._shard.is_serving

    async def stop(self) -> None:
        """Finish what was accepted, then close."""
        await self._shard.stop()
        await self._pool.close()


ConversationShardActor = ray.remote(ConversationShard)


def start_shards(plans: Sequence[ShardPlan], outside: Outside) -> None:
    """Start an actor per plan and wait until each holds its place.

    Raises:
        ray.exceptions.RayError: a shard did not start; its reason is in the text.
    """
    handles = [_start(plan, outside) for plan in plans]
    started: list[ObjectRef[bool]] = [handle.is_serving.remote() for handle in handles]
    ray.get(started, timeout=60)


def stop_shards(shards: int, patience: timedelta) -> None:
    """Let each shard finish, then end its process."""
    handles: list[ActorHandle[object]] = []
    for shard in range(shards):
        try:
            handles.append(ray.get_actor(shard_name(shard), namespace=NAMESPACE))
        except ValueError:  # It never started.
            continue
    stops: list[ObjectRef[None]] = [handle.stop.remote() for handle in handles]
    ray.wait(stops, num_returns=len(stops), timeout=patience.total_seconds())
    for handle in handles:
        ray.kill(handle)


def _start(plan: ShardPlan, outside: Outside) -> ActorHandle[object]:
    options = ConversationShardActor.options(
        name=shard_name(plan.shard),
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        num_cpus=0,
        max_restarts=-1,
        # Callers retry by themselves, with a limit; see ShardClient.
        max_task_retries=0,
        max_concurrency=1000,
    )
    return cast("ActorHandle[object]", options.remote(plan, outside))
