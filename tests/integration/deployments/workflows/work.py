"""Tasks of a run, and workers over a real database."""

from uuid import UUID, uuid4

import httpx

from actors.clock import Clock
from actors.monitor.checks.ssrf_guard import EgressPolicy, open_guarded_client
from actors.workflow.definition import TriggerKind, VersionRef
from actors.workflow.ports import WorkTask
from actors.workflow.run import CallWebhook, SendMail, Work
from deployments.answers.ports import Judge, JudgeJob, NotJudged
from deployments.monitoring.mail import MailServer
from deployments.workflows.mails import MailSender
from deployments.workflows.runs import StoredRuns
from deployments.workflows.webhook import WebhookCaller
from deployments.workflows.worker import WorkerDependencies, WorkflowWorker
from persistence.database import Pool
from persistence.ids import (
    ChannelId,
    ConversationId,
    CustomerId,
    RunId,
    TenantId,
    WorkflowId,
)
from tests.support.clock import NOON, FakeClock
from tests.support.monitors import CIPHER

RUN = RunId(UUID(int=14))
CUSTOMER = CustomerId(UUID(int=3))
WORKFLOW = WorkflowId(UUID(int=4))
MAILS_PER_HOUR = 3
RUNS_AT_ONCE = 3


class NobodyJudges:
    """A runtime without a model."""

    async def judge(self, job: JudgeJob) -> NotJudged:
        """Refuse the job."""
        return NotJudged(f"nobody judges {job.prompts}")


def build_task(
    work: Work,
    tenant_id: TenantId | None = None,
    *,
    run_id: RunId = RUN,
    step: int = 3,
    attempt: int = 1,
    workflow_id: WorkflowId = WORKFLOW,
    customer_id: CustomerId = CUSTOMER,
) -> WorkTask:
    """Build a task of a run that a message began."""
    return WorkTask(
        tenant_id=tenant_id or TenantId(uuid4()),
        channel_id=ChannelId(UUID(int=1)),
        conversation_id=ConversationId(UUID(int=2)),
        customer_id=customer_id,
        run_id=run_id,
        workflow=VersionRef(workflow_id, 1),
        occasion=TriggerKind.RECEIVE_MESSAGE,
        depth=0,
        started_at=NOON,
        step=step,
        attempt=attempt,
        work=work,
    )


def build_call(
    url: str,
    *,
    method: str = "POST",
    body: str = '{"order": 7}',
    save: dict[str, str] | None = None,
) -> CallWebhook:
    """Build the call of a webhook."""
    return CallWebhook(url, method, body, save or {})


def build_mail(address: str = "", *, is_to_customer: bool = False) -> SendMail:
    """Build a mail."""
    return SendMail(address, "سفارش تازه", "سفارش ۷ رسید.", is_to_customer)


def open_client(policy: EgressPolicy | None = None) -> httpx.AsyncClient:
    """Open a client that may reach this machine, unless a policy says otherwise."""
    return open_guarded_client(policy or EgressPolicy(), httpx.Timeout(60))


def build_worker(
    pool: Pool,
    *,
    clock: Clock | None = None,
    smtp_url: str | None = None,
    policy: EgressPolicy | None = None,
    judge: Judge | None = None,
    mail_timeout_s: float = 60.0,
    wait_limit_s: float = 60.0,
) -> WorkflowWorker:
    """Build a worker that waits as long as a test may."""
    clock = clock or FakeClock()
    server = None
    if smtp_url is not None:
        server = MailServer(smtp_url, "shop@example.com", timeout_s=mail_timeout_s)
    return WorkflowWorker(
        WorkerDependencies(
            pool=pool,
            cipher=CIPHER,
            clock=clock,
            webhooks=WebhookCaller(open_client(policy), timeout_s=60),
            mails=MailSender(pool, CIPHER, server, MAILS_PER_HOUR),
            judge=judge or NobodyJudges(),
            runs=StoredRuns(pool, clock, quota=RUNS_AT_ONCE),
        ),
        wait_limit_s=wait_limit_s,
    )
