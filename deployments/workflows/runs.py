"""Admits runs and reads what they may know of their customers."""

from datetime import datetime

import orjson

from actors.clock import Clock
from actors.workflow.definition import BusinessHours
from actors.workflow.documents import read_hours
from actors.workflow.ports import WorkTask
from actors.workflow.run import (
    MAX_FACT_CHARS,
    Facts,
    OpenRun,
    Refused,
    StepDone,
    StepFailed,
)
from persistence.database import Pool
from persistence.workflow_runs import (
    FactsRow,
    RunOpening,
    fetch_facts,
    keep_near_exceptions,
    open_run,
)

NOT_TAGGED = "the customer has none of the trigger's tags"
NO_CUSTOMER = "the customer is not there any more"


class StoredRuns:
    """Runs as the database knows them."""

    def __init__(self, pool: Pool, clock: Clock, quota: int) -> None:
        """`quota`: runs of one tenant at once."""
        self._pool = pool
        self._clock = clock
        self._quota = quota

    async def open_run(
        self, task: WorkTask, work: OpenRun
    ) -> StepDone | StepFailed | Refused:
        """Admit the run, once, and read its facts."""
        read = await self.read_facts(task)
        if not isinstance(read, StepDone) or read.facts is None:
            return read
        if work.tags and not set(work.tags) & set(read.facts.tags):
            return Refused(NOT_TAGGED, is_silent=True)
        refusal = await open_run(
            self._pool,
            RunOpening(
                run_id=task.run_id,
                tenant_id=task.tenant_id,
                workflow_id=task.workflow.workflow_id,
                version=task.workflow.version,
                conversation_id=task.conversation_id,
                customer_id=task.customer_id,
                trigger=task.occasion.value,
                depth=task.depth,
                started_at=task.started_at,
                max_running=work.max_running,
                tenant_quota=self._quota,
            ),
        )
        return read if refusal is None else Refused(refusal)

    async def read_facts(self, task: WorkTask) -> StepDone | StepFailed:
        """Read the facts of the run's customer."""
        row = await fetch_facts(self._pool, task.tenant_id, task.customer_id)
        if row is None:
            return StepFailed(task.step, NO_CUSTOMER, is_permanent=True)
        return StepDone(task.step, facts=build_facts(row, self._clock.now()))


def build_facts(row: FactsRow, now: datetime) -> Facts:
    """Build the facts of a run; attributes that are no texts are written out."""
    return Facts(
        first_name=row.first_name,
        last_name=row.last_name,
        username=row.username,
        platform_id=row.platform_id,
        tags=row.tags,
        attributes={
            key: write_value(value)[:MAX_FACT_CHARS]
            for key, value in row.attributes.items()
        },
        tenant_name=row.tenant_name,
        language=row.language,
        hours=_build_hours(row.hours, now),
    )


def _build_hours(hours: dict[str, object] | None, now: datetime) -> BusinessHours:
    if hours is None:
        return read_hours(None)
    return read_hours(orjson.dumps(keep_near_exceptions(hours, now.date())).decode())


def write_value(value: object) -> str:
    """Write an attribute as text."""
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            # As JSON writes numbers and truth values.
            return orjson.dumps(value).decode()
