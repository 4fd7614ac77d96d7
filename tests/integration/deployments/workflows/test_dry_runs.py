"""Dry runs over stored conversations: one of them, or last week's."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from actors.conversation.events import CustomerShared, CustomerWrote, OperatorAnswered
from actors.conversation.state import Source
from actors.workflow import definition as d
from actors.workflow.definition import BusinessHours, ConversationStatus
from actors.workflow.run import RunStatus
from actors.workflow.triggers import ActiveWorkflow
from deployments.workflows import dry_runs
from deployments.workflows.dry_runs import NO_TRIGGER, DryRunReport, DryRuns
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import (
    ConversationId,
    EventId,
    UserId,
    derive_conversation_id,
    derive_event_id,
)
from persistence.tenants import fetch_tenant
from tests.support.api import LocalShards
from tests.support.clock import NOON
from tests.support.website import add_shop
from tests.support.workflow.run import REF, action, define

DAY = timedelta(days=1)
TO_SALES = define(action("sales", d.RedirectConversation(d.RedirectTo.SALES)))
WAITS = define(
    d.Waiting("ask", "نامتان؟", "name"), action("thank", d.SendMessage("ممنون"))
)


@pytest.fixture
async def shop(pool: Pool) -> Channel:
    return await add_shop(pool, ChannelKind.TELEGRAM, "123")


@pytest.fixture
async def shards(pool: Pool) -> AsyncIterator[LocalShards]:
    shards = LocalShards(pool)
    await shards.shard.start()
    yield shards
    await shards.shard.stop()


def find_id(shop: Channel, customer: str) -> ConversationId:
    return derive_conversation_id(shop.id, customer)


async def write(
    shards: LocalShards, shop: Channel, customer: str, *said: tuple[str, datetime]
) -> None:
    """Let a customer write."""
    for text, at in said:
        mid = f"{customer}-{at.isoformat()}"
        await shards.submit(
            CustomerWrote(
                id=derive_event_id(find_id(shop, customer), mid),
                conversation_id=find_id(shop, customer),
                at=at,
                tenant_id=shop.tenant_id,
                channel_id=shop.id,
                source=Source(shop.kind),
                customer=customer,
                mid=mid,
                text=text,
            )
        )


async def answer(
    shards: LocalShards, shop: Channel, customer: str, at: datetime
) -> None:
    """Let a person answer."""
    await shards.submit(
        OperatorAnswered(
            id=EventId(uuid4()),
            conversation_id=find_id(shop, customer),
            at=at,
            user_id=UserId(uuid4()),
            text="در خدمتم",
        )
    )


async def dry_run(
    pool: Pool,
    shop: Channel,
    definition: d.Definition,
    conversation_id: ConversationId | None = None,
    now: datetime = NOON,
) -> DryRunReport | None:
    tenant = await fetch_tenant(pool, shop.tenant_id)
    assert tenant is not None
    active = ActiveWorkflow(REF, definition)
    runs = DryRuns(pool, tenant, active, BusinessHours(), now)
    return await runs.run(conversation_id)


async def test_one_conversation_is_replayed_from_its_beginning(
    pool: Pool, shards: LocalShards, shop: Channel
) -> None:
    began = NOON - 30 * DAY
    await write(shards, shop, "sara", ("سلام", began), ("سارا", began + DAY / 2))
    report = await dry_run(pool, shop, WAITS, find_id(shop, "sara"))
    assert report is not None
    (one,) = report.conversations
    (path,) = one.dry_run.paths
    assert [step.node for step in path.steps] == ["start", "ask", "thank"]
    assert (path.status, path.started_at) == (RunStatus.COMPLETED, began)
    assert path.texts == ("نامتان؟", "ممنون")
    assert (report.examined, report.triggered, report.ended_otherwise) == (1, 1, 0)


async def test_last_week_is_counted(
    pool: Pool, shards: LocalShards, shop: Channel
) -> None:
    await write(shards, shop, "old", ("سلام", NOON - 8 * DAY))
    await write(shards, shop, "ai", ("سلام", NOON - 6 * DAY))
    await write(shards, shop, "person", ("سلام", NOON - 2 * DAY))
    await answer(shards, shop, "person", NOON - DAY)
    other = await add_shop(pool, ChannelKind.TELEGRAM, "456")
    await write(shards, other, "foreign", ("سلام", NOON - DAY))
    report = await dry_run(pool, shop, TO_SALES)
    assert report is not None
    assert not report.is_cut
    assert [one.id for one in report.conversations] == [
        find_id(shop, "person"),
        find_id(shop, "ai"),
    ]
    assert (report.examined, report.triggered, report.ended_otherwise) == (2, 2, 1)
    by_person = report.conversations[0].dry_run
    assert by_person.real_status is ConversationStatus.SUPPORT_ACTIVE


async def test_what_triggers_nothing_is_counted_alone(
    pool: Pool, shards: LocalShards, shop: Channel
) -> None:
    await write(shards, shop, "sara", ("سلام", NOON - DAY))
    begin = d.When("start", d.ReceiveMessage(keywords=("قیمت",)))
    definition = d.Definition((begin, *TO_SALES.nodes[1:]), TO_SALES.connections)
    report = await dry_run(pool, shop, definition)
    assert report is not None
    assert (report.examined, report.conversations) == (1, ())


async def test_a_customer_of_before_is_not_new(
    pool: Pool, shards: LocalShards, shop: Channel
) -> None:
    await write(shards, shop, "old", ("سلام", NOON - 9 * DAY), ("باز", NOON - DAY))
    await write(shards, shop, "new", ("سلام", NOON - DAY), ("باز", NOON - DAY / 2))
    begin = d.When("start", d.NewCustomer())
    definition = d.Definition((begin, *TO_SALES.nodes[1:]), TO_SALES.connections)
    report = await dry_run(pool, shop, definition)
    assert report is not None
    assert [one.id for one in report.conversations] == [find_id(shop, "new")]


async def test_s7_a_bare_share_begins_no_dry_run(
    pool: Pool, shards: LocalShards
) -> None:
    shop = await add_shop(pool, ChannelKind.INSTAGRAM, "789")
    conversation_id = find_id(shop, "sara")
    await shards.submit(
        CustomerShared(
            id=derive_event_id(conversation_id, "s1"),
            conversation_id=conversation_id,
            at=NOON - DAY,
            tenant_id=shop.tenant_id,
            channel_id=shop.id,
            source=Source.INSTAGRAM,
            customer="sara",
            mid="s1",
            content="کپشن: قیمت",
        )
    )
    report = await dry_run(pool, shop, TO_SALES, conversation_id)
    assert report is not None
    assert report.conversations == ()


async def test_another_tenants_conversation_is_not_there(
    pool: Pool, shards: LocalShards, shop: Channel
) -> None:
    await write(shards, shop, "sara", ("سلام", NOON - DAY))
    other = await add_shop(pool, ChannelKind.TELEGRAM, "456")
    assert await dry_run(pool, other, TO_SALES, find_id(shop, "sara")) is None


async def test_a_definition_without_a_message_trigger_says_so(
    pool: Pool, shards: LocalShards, shop: Channel
) -> None:
    await write(shards, shop, "sara", ("سلام", NOON - DAY))
    definition = d.Definition((d.When("start", d.Manual()),))
    report = await dry_run(pool, shop, definition)
    assert report is not None
    assert (report.note, report.conversations) == (NO_TRIGGER, ())


async def test_a_dry_run_is_bounded(
    pool: Pool, shards: LocalShards, shop: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        await write(shards, shop, f"c{number}", ("سلام", NOON - DAY))
    monkeypatch.setattr(dry_runs, "MAX_CONVERSATIONS", 3)
    report = await dry_run(pool, shop, TO_SALES)
    assert report is not None
    assert (report.examined, report.is_cut) == (3, True)
    monkeypatch.setattr(dry_runs, "MAX_EVENTS_IN_ALL", 1)
    report = await dry_run(pool, shop, TO_SALES)
    assert report is not None
    assert (report.examined, report.is_cut) == (1, True)
