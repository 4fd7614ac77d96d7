"""The client of the shards: starts and stops them, and submits events in order.

One call per shard is under way at a time, and it carries all events that have gathered
since the last: batches grow with the load by themselves, and a later event can't
overtake a retried one of the same conversation.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeAlias, TypeVar, cast

import ray
import structlog
from ray import ObjectRef
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError

from actors.conversation import actor
from actors.conversation.errors import ShardUnavailableError
from actors.conversation.events import Event
from actors.conversation.shard.envelope import Receipt, pack_events, unpack_results
from actors.conversation.shard.mirror import MirrorHealth
from actors.errors import ActorError
from persistence.ids import slot_of

NAMESPACE = "pilito"
#: A restarted shard answers after about a second; platforms wait 20 s.
TIMEOUT_S = 10.0
#: A second as a rule; a busy machine or a slow disk takes longer.
START_TIMEOUT_S = 300.0
#: A killed actor's name is free within a moment.
END_TIMEOUT_S = 10.0
END_POLL_S = 0.1
#: More events in one call only delay the first of them.
MAX_CALL = 256
RETRY_PAUSE_S = 0.1
#: Below the time-out of the health probes that ask.
PROBE_TIMEOUT_S = 1.5

Answer = TypeVar("Answer")
#: A remote call with a batch, which returns one result per event. Raises
#: ShardUnavailableError if there was no answer.
ShardCall: TypeAlias = Callable[
    [Sequence[Event]], Awaitable[list[Receipt | ActorError]]
]

log = structlog.get_logger("shard_client")


class Shards(Protocol):
    """Submits events; returns when they are stored."""

    async def submit(self, event: Event) -> Receipt:
        """Record one event.

        Raises:
            ShardUnavailableError: not stored as far as we know; the same event may
                be submitted again, it will not happen twice.
            UnknownConversationError: the event names no conversation.
            InvalidEventError: the event can't be applied.
        """
        ...


def shard_name(shard: int) -> str:
    """Return the name of a shard's actor."""
    return f"shard-{shard}"


class RemoteShard:
    """Calls the actor of one shard, and looks it up again after a restart."""

    def __init__(self, shard: int) -> None:
        self._name = shard_name(shard)
        self._handle: ActorHandle[object] | None = None

    async def __call__(self, events: Sequence[Event]) -> list[Receipt | ActorError]:
        """Submit the batch. Raises ShardUnavailableError if there was no answer."""
        try:
            if self._handle is None:
                self._handle = ray.get_actor(self._name, namespace=NAMESPACE)
            call: ObjectRef[bytes] = self._handle.submit.remote(pack_events(events))
            answer = await asyncio.wait_for(
                asyncio.wrap_future(call.future()), TIMEOUT_S
            )
        except (RayActorError, RayTaskError, GetTimeoutError, ValueError) as error:
            # ValueError: no actor of that name, yet or any more.
            self._handle = None
            raise ShardUnavailableError from error
        except TimeoutError as error:
            raise ShardUnavailableError from error
        return unpack_results(events, answer)


@dataclass(slots=True)
class _Waiting:
    event: Event
    done: asyncio.Future[Receipt]
    give_up_at: float


class _ShardQueue:
    """The queue of one shard in this process, with at most one call under way."""

    def __init__(self, call: ShardCall, timeout_s: float) -> None:
        self._call = call
        self._timeout_s = timeout_s
        self._waiting: deque[_Waiting] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def submit(self, event: Event) -> Receipt:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Receipt] = loop.create_future()
        self._waiting.append(_Waiting(event, done, loop.time() + self._timeout_s))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return await done

    async def _run(self) -> None:
        while self._waiting:
            batch = [
                self._waiting.popleft()
                for _ in range(min(MAX_CALL, len(self._waiting)))
            ]
            # A cancelled caller does not wait for its event any more.
            batch = [item for item in batch if not item.done.done()]
            if not batch:
                continue
            try:
                results = await self._call([item.event for item in batch])
            except ShardUnavailableError:
                results = [ShardUnavailableError() for _ in batch]
            except Exception as error:
                log.exception("shard_call_failed")
                results = [ShardUnavailableError(repr(error)) for _ in batch]
            if self._answer(batch, results):
                await asyncio.sleep(RETRY_PAUSE_S)

    def _answer(
        self, batch: list[_Waiting], results: list[Receipt | ActorError]
    ) -> bool:
        """Answer the callers; put events that may still succeed back, in order."""
        now = asyncio.get_running_loop().time()
        again: list[_Waiting] = []
        for item, result in zip(batch, results, strict=True):
            if item.done.done():
                continue
            if isinstance(result, ShardUnavailableError) and now < item.give_up_at:
                again.append(item)
            elif isinstance(result, ActorError):
                item.done.set_exception(result)
            else:
                item.done.set_result(result)
        self._waiting.extendleft(reversed(again))
        return bool(again)


class ShardClient:
    """Routes each event to the shard that owns its conversation."""

    def __init__(
        self,
        shards: int,
        *,
        call_for: Callable[[int], ShardCall] = RemoteShard,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._queues = [
            _ShardQueue(call_for(shard), timeout_s) for shard in range(shards)
        ]

    async def submit(self, event: Event) -> Receipt:
        """Record one event; see Shards.submit."""
        shard = slot_of(event.conversation_id) % len(self._queues)
        return await self._queues[shard].submit(event)


def start_shards(
    plans: Sequence[actor.ShardPlan], open_dependencies: actor.OpenDependencies
) -> None:
    """Start an actor per plan, and wait until each serves.

    Raises:
        ray.exceptions.RayError: a shard did not start; its reason is in the text.
    """
    handles = [_start(plan, open_dependencies) for plan in plans]
    started: list[ObjectRef[bool]] = [handle.is_serving.remote() for handle in handles]
    ray.get(started, timeout=START_TIMEOUT_S)


def stop_shards(shards: int, timeout: timedelta) -> None:
    """Let each shard finish its accepted events, then end its process."""
    handles: list[ActorHandle[object]] = []
    for shard in range(shards):
        try:
            handles.append(ray.get_actor(shard_name(shard), namespace=NAMESPACE))
        except ValueError:  # It never started.
            continue
    stops: list[ObjectRef[None]] = [handle.stop.remote() for handle in handles]
    ray.wait(stops, num_returns=len(stops), timeout=timeout.total_seconds())
    for handle in handles:
        ray.kill(handle)


def end_shards(shards: int) -> None:
    """End the shards that an earlier runtime has left in this cluster, if any."""
    deadline = time.monotonic() + END_TIMEOUT_S
    for shard in range(shards):
        # The name is free again a moment after the kill.
        while time.monotonic() < deadline:
            try:
                ray.kill(ray.get_actor(shard_name(shard), namespace=NAMESPACE))
            except ValueError:
                break
            time.sleep(END_POLL_S)


def _start(
    plan: actor.ShardPlan, open_dependencies: actor.OpenDependencies
) -> ActorHandle[object]:
    options = actor.ConversationShardActor.options(
        name=shard_name(plan.shard),
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        num_cpus=0,
        max_restarts=-1,
        # ShardClient retries by itself, with a limit.
        max_task_retries=0,
        max_concurrency=1000,
    )
    return cast("ActorHandle[object]", options.remote(plan, open_dependencies))


async def is_shard_serving(shard: int) -> bool:
    """Ask a shard whether it takes events; False if there is no answer."""
    return bool(await _ask(shard, lambda handle: handle.is_serving.remote()))


async def ask_mirror_health(shard: int) -> MirrorHealth | None:
    """Ask a shard for the state of its mirror; None if there is no answer."""
    return await _ask(shard, lambda handle: handle.mirror_health.remote())


async def _ask(
    shard: int, ask: Callable[[ActorHandle[object]], "ObjectRef[Answer]"]
) -> Answer | None:
    try:
        handle: ActorHandle[object] = ray.get_actor(
            shard_name(shard), namespace=NAMESPACE
        )
        return await asyncio.wait_for(
            asyncio.wrap_future(ask(handle).future()), PROBE_TIMEOUT_S
        )
    except (RayActorError, RayTaskError, ValueError, TimeoutError):
        return None
