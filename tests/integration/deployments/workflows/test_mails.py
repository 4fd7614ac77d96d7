"""Mails of workflows: to agreed addresses, once each, and within limits."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import orjson
import pytest

from actors.conversation.shard.housekeeping import ShardHousekeeping
from actors.workflow.run import StepDone, StepFailed
from deployments.workflows.mails import (
    ADDRESS_LIMIT,
    BAD_ADDRESS,
    MAILS_PER_ADDRESS,
    NO_SERVER,
    NONE_CONFIRMED,
    NOT_CONFIRMED,
    SENT_BEFORE,
    SEVERAL_CONFIRMED,
    UNCERTAIN,
)
from deployments.workflows.worker import Result, WorkflowWorker
from persistence.alert_routes import Confirmation, create_route
from persistence.database import Pool
from persistence.ids import RunId, TenantId
from persistence.monitor import RouteKind
from persistence.tenants import create_tenant
from tests.integration.deployments.workflows.work import (
    MAILS_PER_HOUR,
    RUN,
    build_mail,
    build_task,
    build_worker,
)
from tests.support.api import LocalShards
from tests.support.clock import NOON, FakeClock
from tests.support.monitors import CIPHER
from tests.support.servers.smtp_server import SmtpServer, smtp_server
from tests.support.waiting import wait_until

OWNER = "owner@example.com"
CUSTOMER = "sara@example.com"


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with smtp_server() as server:
        yield server


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def worker(pool: Pool, smtp: SmtpServer, clock: FakeClock) -> WorkflowWorker:
    return build_worker(pool, clock=clock, smtp_url=f"smtp://127.0.0.1:{smtp.port}")


async def add_address(
    pool: Pool, tenant_id: TenantId, address: str, *, is_confirmed: bool = True
) -> None:
    """Add a mail route of the tenant."""
    target = CIPHER.encrypt(orjson.dumps({"to": address}))
    asked = Confirmation(uuid4().bytes, CIPHER.encrypt(b"token"), NOON)
    await create_route(
        pool,
        tenant_id,
        RouteKind.EMAIL,
        address,
        target,
        None if is_confirmed else asked,
    )


def new_run() -> RunId:
    return RunId(uuid4())


async def test_the_customer_gets_a_mail_at_the_address_given(
    worker: WorkflowWorker, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    work = build_mail(f" {CUSTOMER} ", is_to_customer=True)
    assert await worker.perform(build_task(work, tenant_id, step=4)) == StepDone(4)
    (mail,) = smtp.messages
    assert mail["To"] == CUSTOMER
    assert mail["From"] == "shop@example.com"
    assert mail["Subject"] == "سفارش تازه"
    assert mail["Message-ID"] == f"<{RUN}.4@pilito>"
    assert mail.get_content().strip() == "سفارش ۷ رسید."


@pytest.mark.parametrize(
    "address",
    [
        "",
        "sara",
        "a@b@example.com",
        f"{CUSTOMER}, {OWNER}",
        f"{CUSTOMER}\r\nBcc: a@b.c",
    ],
)
async def test_what_is_no_address_of_the_customer_gets_no_mail(
    worker: WorkflowWorker, smtp: SmtpServer, tenant_id: TenantId, address: str
) -> None:
    work = build_mail(address, is_to_customer=True)
    failed = await worker.perform(build_task(work, tenant_id))
    assert failed == StepFailed(3, BAD_ADDRESS, is_permanent=True)
    assert smtp.mails == []


async def test_trust_m4_workflows_write_to_confirmed_addresses_of_a_business_alone(
    pool: Pool, worker: WorkflowWorker, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    other = (await create_tenant(pool, "other")).id
    await add_address(pool, other, "other@example.com")

    async def send(address: str) -> object:
        task = build_task(build_mail(address), tenant_id, run_id=new_run())
        return await worker.perform(task)

    def refused(reason: str) -> StepFailed:
        return StepFailed(3, reason, is_permanent=True)

    assert await send("") == refused(NONE_CONFIRMED)
    await add_address(pool, tenant_id, "new@example.com", is_confirmed=False)
    assert await send("") == refused(NONE_CONFIRMED)
    await add_address(pool, tenant_id, OWNER)
    assert await send("") == StepDone(3)
    for address in ("new@example.com", "other@example.com", "x"):
        assert await send(address) == refused(NOT_CONFIRMED)
    await add_address(pool, tenant_id, "stock@example.com")
    assert await send("") == refused(SEVERAL_CONFIRMED)
    assert await send("Stock@Example.com ") == StepDone(3)
    assert [mail["To"] for mail in smtp.messages] == [OWNER, "stock@example.com"]


async def test_without_a_mail_server_a_mail_fails_plainly(
    pool: Pool, tenant_id: TenantId
) -> None:
    work = build_mail(CUSTOMER, is_to_customer=True)
    failed = await build_worker(pool).perform(build_task(work, tenant_id))
    assert failed == StepFailed(3, NO_SERVER, is_permanent=True)


async def test_a_mail_that_was_sent_is_not_sent_again(
    worker: WorkflowWorker, smtp: SmtpServer, tenant_id: TenantId, clock: FakeClock
) -> None:
    task = build_task(build_mail(CUSTOMER, is_to_customer=True), tenant_id)
    await worker.perform(task)
    clock.advance(timedelta(hours=2))
    assert await worker.perform(task) == StepDone(3, detail=SENT_BEFORE)
    assert len(smtp.mails) == 1


async def test_a_mail_whose_sender_stopped_is_not_sent_again(
    worker: WorkflowWorker, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    smtp.may_greet.clear()
    task = build_task(build_mail(CUSTOMER, is_to_customer=True), tenant_id)
    sending = asyncio.create_task(worker.perform(task))
    # Claimed before it is handed in.
    await wait_until(lambda: smtp.connections == 1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    smtp.may_greet.set()
    failed = await worker.perform(task)
    assert failed == StepFailed(3, UNCERTAIN, is_permanent=True)
    assert smtp.mails == []


async def test_a_mail_without_an_answer_is_not_sent_again(
    pool: Pool, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    smtp.hangs_after_data = True
    worker = build_worker(
        pool, smtp_url=f"smtp://127.0.0.1:{smtp.port}", mail_timeout_s=1.0
    )
    task = build_task(build_mail(CUSTOMER, is_to_customer=True), tenant_id)
    for _ in range(2):
        failed = await worker.perform(task)
        assert failed == StepFailed(3, UNCERTAIN, is_permanent=True)
    assert len(smtp.mails) == 1


async def test_a_mail_that_did_not_leave_is_tried_again(
    pool: Pool, worker: WorkflowWorker, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    task = build_task(build_mail(CUSTOMER, is_to_customer=True), tenant_id)
    away = build_worker(pool, smtp_url="smtp://127.0.0.1:1")
    for _ in range(2):
        failed = await away.perform(task)
        assert isinstance(failed, StepFailed)
        assert not failed.is_permanent
    assert await worker.perform(task) == StepDone(3)
    assert len(smtp.mails) == 1


async def test_an_address_that_the_server_refuses_is_given_up(
    worker: WorkflowWorker, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    work = build_mail(smtp.refused, is_to_customer=True)
    failed = await worker.perform(build_task(work, tenant_id))
    reason = "the mail server refused this address (550)"
    assert failed == StepFailed(3, reason, is_permanent=True)


async def test_a_business_sends_so_many_mails_in_an_hour(
    pool: Pool,
    worker: WorkflowWorker,
    smtp: SmtpServer,
    tenant_id: TenantId,
    clock: FakeClock,
) -> None:
    other = (await create_tenant(pool, "other")).id

    async def send(number: int, tenant: TenantId) -> Result:
        work = build_mail(f"c{number}@example.com", is_to_customer=True)
        return await worker.perform(build_task(work, tenant, run_id=new_run()))

    results = await asyncio.gather(
        *(send(number, tenant_id) for number in range(2 * MAILS_PER_HOUR))
    )
    put_off = [result for result in results if isinstance(result, StepFailed)]
    assert len(put_off) == len(smtp.mails) == MAILS_PER_HOUR
    assert {result.is_permanent for result in put_off} == {False}
    assert f"{MAILS_PER_HOUR} mails within an hour" in put_off[0].reason
    assert await send(1, other) == StepDone(3)
    clock.advance(timedelta(hours=1, seconds=1))
    assert await send(1, tenant_id) == StepDone(3)


async def test_trust_m4_an_address_gets_so_many_mails_of_workflows_in_a_day_from_all(
    pool: Pool, worker: WorkflowWorker, smtp: SmtpServer, clock: FakeClock
) -> None:
    """A stranger in a chat may name somebody else's address."""
    results = []
    for number in range(MAILS_PER_ADDRESS + 2):
        tenant = await create_tenant(pool, f"shop {number}")
        address = CUSTOMER.upper() if number % 2 else CUSTOMER
        work = build_mail(address, is_to_customer=True)
        results.append(await worker.perform(build_task(work, tenant.id, step=number)))
        clock.advance(timedelta(hours=1))
    refused = [result for result in results if isinstance(result, StepFailed)]
    assert [result.reason for result in refused] == [ADDRESS_LIMIT] * 2
    assert len(smtp.mails) == MAILS_PER_ADDRESS
    clock.advance(timedelta(days=1))
    work = build_mail(CUSTOMER, is_to_customer=True)
    last = await create_tenant(pool, "last")
    assert await worker.perform(build_task(work, last.id, step=99)) == StepDone(99)


async def test_no_words_and_no_addresses_of_mails_are_kept(
    pool: Pool, worker: WorkflowWorker, tenant_id: TenantId, clock: FakeClock
) -> None:
    for run_id in (RUN, new_run()):
        work = build_mail(CUSTOMER, is_to_customer=True)
        await worker.perform(build_task(work, tenant_id, run_id=run_id))
        clock.advance(timedelta(days=2))
    row = await pool.fetchrow("SELECT workflow_mails::text AS text FROM workflow_mails")
    assert row is not None
    assert CUSTOMER.encode().hex() not in row["text"]
    assert CUSTOMER not in row["text"]
    shards = LocalShards(pool)
    keeping = ShardHousekeeping(pool, 0, 1, shards.shard.submit, clock)
    await keeping.prune()
    kept = await pool.fetch("SELECT run_id FROM workflow_mails")
    assert len(kept) == 1
    assert kept[0]["run_id"] != RUN
