"""Does what runs of workflows order outside, fairly among tenants."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, assert_never

import structlog

from actors.clock import Clock
from actors.errors import TooManyWaitingError
from actors.fair_semaphore import FairSemaphore
from actors.workflow.ports import WorkTask
from actors.workflow.run import (
    CallWebhook,
    JudgeText,
    OpenRun,
    ReadFacts,
    Refused,
    SendMail,
    StepDone,
    StepFailed,
    Work,
)
from config.metrics import WORKFLOW_WORK
from deployments.answers.ports import Judge, JudgeJob, NotJudged
from deployments.workflows.mails import MailSender
from deployments.workflows.webhook import WebhookCaller
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY, SecretUnreadableError
from persistence.secrets import Cipher
from persistence.workflow_secrets import require_signing_secret

#: A run counts work as lost after a minute (`walk.WORK_LEASE`): the wait for a place
#: and the longest work take less together.
WAIT_LIMIT_S = 15.0
JUDGE_LIMIT_S = 40.0
#: Webhooks and mails of one shard at once: each may wait for ten seconds and more.
MAX_OUTSIDE = 32
MAX_JUDGEMENTS = 16
#: The shard's commits share three connections with them.
MAX_READS = 2
BUSY = "too much of your business waits to be done"
DATABASE_FAULT = "the database did not answer in time"
OUR_FAULT = "it failed on our side"
KINDS: Mapping[type[Work], str] = {
    OpenRun: "open_run",
    ReadFacts: "read_facts",
    CallWebhook: "webhook",
    SendMail: "mail",
    JudgeText: "judge",
}

Result: TypeAlias = StepDone | StepFailed | Refused

log = structlog.get_logger("workflows")


class RunStore(Protocol):
    """Admits runs and reads facts; raises what the database raises."""

    async def open_run(self, task: WorkTask, work: OpenRun) -> Result:
        """Admit the run, once, and read its facts."""
        ...

    async def read_facts(self, task: WorkTask) -> Result:
        """Read the facts of the run's customer."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerDependencies:
    """What a worker works with."""

    pool: Pool
    cipher: Cipher
    clock: Clock
    webhooks: WebhookCaller
    mails: MailSender
    judge: Judge
    runs: RunStore


class WorkflowWorker:
    """Performs tasks, each as soon as its tenant has a place.

    Places are shared out over tenants, and within a tenant over its workflows: slow
    webhooks hold up nobody else's. Webhooks and mails, judgements, and reads have
    places of their own.
    """

    def __init__(
        self, outside: WorkerDependencies, *, wait_limit_s: float = WAIT_LIMIT_S
    ) -> None:
        self._outside = outside
        self._wait_limit_s = wait_limit_s
        sending = FairSemaphore(MAX_OUTSIDE)
        reading = FairSemaphore(MAX_READS, share=1, spare=1)
        self._places: Mapping[type[Work], FairSemaphore] = {
            OpenRun: reading,
            ReadFacts: reading,
            CallWebhook: sending,
            SendMail: sending,
            JudgeText: FairSemaphore(MAX_JUDGEMENTS),
        }

    async def perform(self, task: WorkTask) -> Result:
        """Do the work; see Worker.perform."""
        places = self._places[type(task.work)]
        tenant, lane = task.tenant_id, task.workflow.workflow_id
        result: Result
        try:
            async with asyncio.timeout(self._wait_limit_s):
                await places.acquire(tenant, lane)
        except (TimeoutError, TooManyWaitingError):
            result = StepFailed(task.step, BUSY)
        else:
            try:
                result = await self._do(task)
            finally:
                places.release(tenant, lane)
        WORKFLOW_WORK.labels(KINDS[type(task.work)], _name_outcome(result)).inc()
        return result

    async def _do(self, task: WorkTask) -> Result:
        outside, work = self._outside, task.work
        try:
            match work:
                case OpenRun():
                    return await outside.runs.open_run(task, work)
                case ReadFacts():
                    return await outside.runs.read_facts(task)
                case CallWebhook():
                    return await self._call(task, work)
                case SendMail():
                    return await outside.mails.send(task, work, outside.clock.now())
                case JudgeText():
                    return await self._judge(task, work)
                case _:
                    assert_never(work)
        except SecretUnreadableError as error:
            return StepFailed(task.step, str(error), is_permanent=True)
        except DATABASE_AWAY as error:
            log.warning("database_away", key=task.key, error=repr(error))
            return StepFailed(task.step, DATABASE_FAULT)
        except Exception:
            log.exception("work_failed", key=task.key, kind=KINDS[type(work)])
            return StepFailed(task.step, OUR_FAULT)

    async def _call(self, task: WorkTask, work: CallWebhook) -> Result:
        outside, now = self._outside, self._outside.clock.now()
        # Read each time: a secret that was just changed signs no more.
        signing = await require_signing_secret(
            outside.pool, outside.cipher, task.tenant_id, now
        )
        return await outside.webhooks.call(task, work, signing.secret, now)

    async def _judge(self, task: WorkTask, work: JudgeText) -> Result:
        job = JudgeJob(
            tenant_id=task.tenant_id,
            channel_id=task.channel_id,
            prompts=work.prompts,
            must_all_hold=work.must_all_hold,
            text=work.text,
        )
        verdict = await self._outside.judge.judge(job)
        if isinstance(verdict, NotJudged):
            return StepFailed(task.step, verdict.reason, is_permanent=True)
        return StepDone(task.step, verdict=verdict.holds, detail=verdict.reason)


def _name_outcome(result: Result) -> str:
    match result:
        case StepDone():
            return "done"
        case StepFailed():
            return "failed" if result.is_permanent else "put_off"
        case Refused():
            return "refused"
        case _:
            assert_never(result)
