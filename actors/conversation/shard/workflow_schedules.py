"""Begins the runs of schedules, for the conversations of one shard.

Each occurrence of a schedule becomes an event for each conversation that it is for. An
event's id follows from the occurrence: after a crash the whole step is done again, and
what was begun before is recognised. So nothing fires twice, and nothing is left out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from actors.clock import Clock
from actors.conversation.errors import ShardUnavailableError
from actors.conversation.events import Event, WorkflowTriggered
from actors.conversation.shard.envelope import Receipt
from actors.errors import ActorError
from actors.workflow.definition import (
    Definition,
    Scheduled,
    TriggerKind,
    VersionRef,
    When,
)
from actors.workflow.documents import read_definition, read_hours
from actors.workflow.run import Occasion
from actors.workflow.schedules import occurrences_between
from persistence import workflows
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.ids import ConversationId, EventId, derive_event_id
from persistence.workflows import ScheduleAudience, ScheduledRow

#: A schedule names a minute; customers hear from it within its first seconds.
POLL_INTERVAL_S = 3.0
#: An occurrence that was missed by more is left out: «صبح بخیر» is not for the evening.
CATCH_UP = timedelta(hours=1)
#: Conversations of one step; between two steps messages are stored.
STEP = 200
FIRST = ConversationId(UUID(int=0))

log = structlog.get_logger("schedules")

#: `Shard.submit`.
Submit = Callable[[Sequence[Event]], Awaitable[list[Receipt | ActorError]]]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A schedule that has come due."""

    row: ScheduledRow
    definition: Definition
    node: When
    schedule: Scheduled
    at: datetime


class WorkflowSchedules:
    """Looks which schedules have come due, and begins their runs."""

    def __init__(
        self, pool: Pool, shard: int, shards: int, submit: Submit, clock: Clock
    ) -> None:
        self._pool = pool
        self._shard = shard
        self._shards = shards
        self._submit = submit
        self._clock = clock

    async def run(self) -> None:
        """Begin what comes due until cancelled. No failure ends it."""
        while True:
            try:
                await self.begin_due()
            except DATABASE_AWAY as error:
                # The shard itself warns of that.
                log.info("schedules_wait", shard=self._shard, error=repr(error))
            except ShardUnavailableError:
                log.info("schedules_wait", shard=self._shard)
            except Exception:
                log.exception("schedules_failed", shard=self._shard)
            await asyncio.sleep(POLL_INTERVAL_S)

    async def begin_due(self) -> int:
        """Begin all that has come due; return how many runs were begun.

        Raises:
            ShardUnavailableError: the shard takes nothing; the step is done again.
        """
        now, begun = self._clock.now(), 0
        for row in await workflows.fetch_scheduled(self._pool):
            for node in _schedules_of(row):
                begun += await self._begin(node, row, now)
        return begun

    async def _begin(self, node: When, row: ScheduledRow, now: datetime) -> int:
        schedule = node.trigger
        if not isinstance(schedule, Scheduled):
            return 0
        done = await workflows.fetch_done_until(
            self._pool, row.tenant_id, row.workflow_id, node.id, self._shard
        )
        after = max(done or row.activated_at, row.activated_at)
        zone = read_hours(row.hours).time_zone
        due = occurrences_between(schedule, zone, after, now, 1)
        if not due:
            return 0
        definition = read_definition(row.definition)
        occurrence = Occurrence(row, definition, node, schedule, due[-1])
        begun = 0
        if now - occurrence.at > CATCH_UP:
            log.warning(
                "occurrence_missed",
                workflow_id=str(row.workflow_id),
                at=occurrence.at.isoformat(),
            )
        else:
            begun = await self._begin_for_all(occurrence, now)
        await workflows.store_done_until(
            self._pool,
            row.tenant_id,
            row.workflow_id,
            node.id,
            self._shard,
            occurrence.at,
        )
        return begun

    async def _begin_for_all(self, occurrence: Occurrence, now: datetime) -> int:
        schedule, row = occurrence.schedule, occurrence.row
        audience = ScheduleAudience(
            written_since=now - timedelta(days=schedule.written_within_days),
            sources=tuple(channel.value for channel in schedule.channels),
            tags=schedule.tags,
        )
        begun, after = 0, FIRST
        while True:
            step = await workflows.fetch_scheduled_for(
                self._pool,
                row.tenant_id,
                (self._shard, self._shards),
                audience,
                after,
                STEP,
            )
            events = [_build_event(occurrence, one, now) for one in step]
            for result in await self._submit(events) if events else ():
                if isinstance(result, ShardUnavailableError):
                    raise result
                begun += isinstance(result, Receipt) and not result.is_duplicate
            if len(step) < STEP:
                return begun
            after = step[-1]


def _schedules_of(row: ScheduledRow) -> Iterator[When]:
    for node in read_definition(row.definition).nodes:
        if isinstance(node, When) and isinstance(node.trigger, Scheduled):
            yield node


def _build_event(
    occurrence: Occurrence, conversation: ConversationId, now: datetime
) -> WorkflowTriggered:
    row, limits = occurrence.row, occurrence.definition.limits
    place, at = f"{row.workflow_id}:{occurrence.node.id}", occurrence.at.isoformat()
    return WorkflowTriggered(
        id=EventId(derive_event_id(conversation, f"schedule:{place}:{at}")),
        conversation_id=conversation,
        at=now,
        workflow=VersionRef(row.workflow_id, row.version),
        node=occurrence.node.id,
        occasion=Occasion(TriggerKind.SCHEDULED),
        tags=occurrence.schedule.tags,
        max_per_customer=limits.max_runs_per_customer,
        max_running=limits.max_running,
    )
