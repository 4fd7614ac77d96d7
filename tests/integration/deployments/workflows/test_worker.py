"""The worker: fair among tenants, plain about failures, and never one to raise."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from actors.workflow.ports import NO_WORKER, NO_WORKER_REASON
from actors.workflow.run import JudgeText, StepDone, StepFailed
from deployments.answers.ports import JudgeJob, NotJudged, Verdict
from deployments.workflows.worker import BUSY, DATABASE_FAULT, MAX_OUTSIDE, OUR_FAULT
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.tenants import create_tenant
from tests.integration.deployments.workflows.work import (
    build_call,
    build_mail,
    build_task,
    build_worker,
)
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    Request,
    answer,
    misbehaving_server,
)
from tests.support.waiting import wait_until


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


class ScriptedJudge:
    """Says what it is told to say; remembers what it was asked."""

    def __init__(self, verdict: Verdict | NotJudged) -> None:
        self._verdict = verdict
        self.jobs: list[JudgeJob] = []

    async def judge(self, job: JudgeJob) -> Verdict | NotJudged:
        """Judge as told."""
        self.jobs.append(job)
        return self._verdict


class BrokenJudge:
    """A judge with a bug."""

    async def judge(self, job: JudgeJob) -> Verdict:
        """Fail."""
        raise KeyError(job.text)


QUESTION = JudgeText(("Is it a complaint?",), True, "کفشم پاره شد")


async def test_a_verdict_is_the_steps_with_its_reason(
    pool: Pool, tenant_id: TenantId
) -> None:
    judge = ScriptedJudge(Verdict(False, "only a question"))
    task = build_task(QUESTION, tenant_id)
    done = await build_worker(pool, judge=judge).perform(task)
    assert done == StepDone(3, verdict=False, detail="only a question")
    (job,) = judge.jobs
    assert (job.tenant_id, job.channel_id) == (tenant_id, task.channel_id)
    assert (job.prompts, job.text) == (QUESTION.prompts, QUESTION.text)
    assert job.must_all_hold


async def test_without_a_judgement_the_step_fails_for_good(
    pool: Pool, tenant_id: TenantId
) -> None:
    worker = build_worker(pool, judge=ScriptedJudge(NotJudged("no model is set")))
    failed = await worker.perform(build_task(QUESTION, tenant_id))
    assert failed == StepFailed(3, "no model is set", is_permanent=True)


async def test_slow_webhooks_of_one_tenant_hold_up_no_other(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    finish = asyncio.Event()

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await finish.wait()
        await answer()(request, writer)

    work = build_call(http.on("/slow", slow))
    worker = build_worker(pool)
    flood = [
        asyncio.create_task(worker.perform(build_task(work, tenant_id, step=number)))
        for number in range(2 * MAX_OUTSIDE)
    ]
    # As many as one tenant may have under way: a quarter is left to newcomers.
    await wait_until(lambda: len(http.requests) >= MAX_OUTSIDE * 3 // 4)
    other = await create_tenant(pool, "other")
    quick = build_call(http.on("/quick", answer()))
    assert await worker.perform(build_task(quick, other.id)) == StepDone(
        3, detail="HTTP 200"
    )
    assert len(http.requests) == MAX_OUTSIDE * 3 // 4 + 1
    finish.set()
    done = await asyncio.gather(*flood)
    assert {type(result) for result in done} == {StepDone}


async def test_work_that_finds_no_place_in_time_is_put_off(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    async def hang(_request: Request, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    work = build_call(http.on("/slow", hang))
    worker = build_worker(pool, wait_limit_s=0.5)
    places = MAX_OUTSIDE * 3 // 4
    held = [
        asyncio.create_task(worker.perform(build_task(work, tenant_id, step=number)))
        for number in range(places)
    ]
    await wait_until(lambda: len(http.requests) == places)
    assert await worker.perform(build_task(work, tenant_id)) == StepFailed(3, BUSY)
    for call in held:
        call.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    quick = build_call(http.on("/quick", answer()))
    done = await worker.perform(build_task(quick, tenant_id))
    assert isinstance(done, StepDone)


async def test_a_database_that_is_away_puts_work_off(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    worker = build_worker(pool, smtp_url="smtp://127.0.0.1:1")
    await pool.close()
    for work in (
        build_call(http.on("/hook", answer())),
        build_mail("sara@example.com", is_to_customer=True),
    ):
        failed = await worker.perform(build_task(work, tenant_id))
        assert failed == StepFailed(3, DATABASE_FAULT)
    assert http.requests == []


async def test_a_bug_is_a_failure_of_the_step_alone(
    pool: Pool, tenant_id: TenantId
) -> None:
    worker = build_worker(pool, judge=BrokenJudge())
    failed = await worker.perform(build_task(QUESTION, tenant_id))
    assert failed == StepFailed(3, OUR_FAULT)


async def test_a_secret_that_no_key_reads_is_named(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    await pool.execute(
        "INSERT INTO workflow_signing_secrets VALUES ($1, $2, now())",
        tenant_id,
        b"encrypted by a key that is lost",
    )
    work = build_call(http.on("/hook", answer()))
    failed = await build_worker(pool).perform(build_task(work, tenant_id))
    assert isinstance(failed, StepFailed)
    assert failed.is_permanent
    assert "PILITO_SECRET_KEY" in failed.reason
    assert http.requests == []


async def test_work_is_counted_by_kind_and_outcome(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    def count(outcome: str) -> float:
        labels = {"kind": "webhook", "outcome": outcome}
        return REGISTRY.get_sample_value("workflow_work_total", labels) or 0

    before = {outcome: count(outcome) for outcome in ("done", "failed", "put_off")}
    worker = build_worker(pool)
    for status in (200, 404, 500):
        work = build_call(http.on("/hook", answer(status)))
        await worker.perform(build_task(work, tenant_id))
    assert {outcome: count(outcome) - before[outcome] for outcome in before} == {
        "done": 1,
        "failed": 1,
        "put_off": 1,
    }


async def test_a_process_without_a_worker_says_so(tenant_id: TenantId) -> None:
    failed = await NO_WORKER.perform(build_task(QUESTION, tenant_id))
    assert failed == StepFailed(3, NO_WORKER_REASON, is_permanent=True)
