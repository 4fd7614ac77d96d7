"""Has the work of runs done outside, and reports results as events."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import structlog

from actors.clock import Clock
from actors.conversation import effects, events
from actors.conversation.rules.placeholders import strip_unstorable
from actors.conversation.state import Conversation
from actors.tasks import cancel_and_wait
from actors.workflow.ports import Worker, WorkTask
from actors.workflow.run import Refused, StepDone, StepFailed
from persistence.ids import EventId, RunId

BROKEN = "the work could not be done, by a fault of ours"

log = structlog.get_logger("workflow_work")


class WorkflowWork:
    """Owns the tasks that do the work of runs."""

    def __init__(
        self,
        worker: Worker,
        clock: Clock,
        post: Callable[[events.Event], None],
        new_id: Callable[[], UUID],
    ) -> None:
        self._worker = worker
        self._clock = clock
        self._post = post
        self._new_id = new_id
        self._tasks: dict[tuple[RunId, int], asyncio.Task[None]] = {}

    def begin(self, state: Conversation, command: effects.PerformWork) -> None:
        """Start the work of a step; its result comes back through the inbox."""
        key = command.run.id, command.perform.step
        if key in self._tasks:
            # Its lease ended while it waited for a place. It will still report.
            return
        task = asyncio.create_task(self._perform(state, command))
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def stop(self) -> None:
        """Cancel all work: the timer of each step has it done again."""
        await cancel_and_wait(*self._tasks.values())

    async def _perform(self, state: Conversation, command: effects.PerformWork) -> None:
        run, perform = command.run, command.perform
        task = WorkTask(
            tenant_id=state.tenant_id,
            channel_id=state.channel_id,
            conversation_id=state.id,
            customer_id=state.customer_id,
            run_id=run.id,
            workflow=run.workflow,
            occasion=run.occasion.kind,
            depth=run.depth,
            started_at=run.started_at,
            step=perform.step,
            attempt=perform.attempt,
            work=perform.work,
        )
        result: StepDone | StepFailed | Refused
        try:
            result = await self._worker.perform(task)
        except Exception:  # A bug must not leave the run waiting.
            log.exception("work_failed", run_id=str(run.id), step=perform.step)
            result = StepFailed(perform.step, BROKEN, is_permanent=True)
        self._post(
            events.WorkflowReported(
                id=EventId(self._new_id()),
                conversation_id=state.id,
                at=self._clock.now(),
                run_id=run.id,
                result=_storable(result),
            )
        )


def _storable(
    result: StepDone | StepFailed | Refused,
) -> StepDone | StepFailed | Refused:
    """Return the result as PostgreSQL takes it: words from outside may be in it."""
    match result:
        case StepDone():
            return replace(
                result,
                values={
                    key: strip_unstorable(value) for key, value in result.values.items()
                },
                detail=strip_unstorable(result.detail),
            )
        case _:
            return replace(result, reason=strip_unstorable(result.reason))
