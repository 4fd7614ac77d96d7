"""Opens the worker of workflows inside a shard's process."""

import httpx

from actors.clock import SystemClock
from actors.monitor.checks.ssrf_guard import open_guarded_client
from config.settings import Settings
from deployments.answers.clients import RemoteJudge
from deployments.egress import build_egress_policy
from deployments.monitoring.notifiers import build_mail_server
from deployments.workflows.mails import MailSender
from deployments.workflows.runs import StoredRuns
from deployments.workflows.webhook import TIMEOUT_S, WebhookCaller
from deployments.workflows.worker import (
    JUDGE_LIMIT_S,
    WorkerDependencies,
    WorkflowWorker,
)
from persistence.database import Pool
from persistence.secrets import Cipher

TIMEOUT = httpx.Timeout(TIMEOUT_S, connect=5.0)


def open_worker(pool: Pool, cipher: Cipher, settings: Settings) -> WorkflowWorker:
    """Open a worker that uses the shard's connections to the database."""
    policy = build_egress_policy(settings, pool)
    server = build_mail_server(settings)
    return WorkflowWorker(
        WorkerDependencies(
            pool=pool,
            cipher=cipher,
            clock=SystemClock(),
            webhooks=WebhookCaller(open_guarded_client(policy, TIMEOUT)),
            mails=MailSender(pool, cipher, server, settings.workflow_mails_per_hour),
            judge=RemoteJudge(JUDGE_LIMIT_S),
            runs=StoredRuns(pool, SystemClock(), settings.max_workflow_runs),
        )
    )
