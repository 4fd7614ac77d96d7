"""Admits runs and reads their facts; nothing is stored yet, so each read fails."""

from actors.workflow.ports import WorkTask
from actors.workflow.run import OpenRun, StepFailed
from persistence.database import Pool


class StoredRuns:
    """Runs as the database knows them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open_run(self, task: WorkTask, work: OpenRun) -> StepFailed:
        """Admit the run, once, and read its facts."""
        raise NotImplementedError

    async def read_facts(self, task: WorkTask) -> StepFailed:
        """Read the facts of the run's customer."""
        raise NotImplementedError
