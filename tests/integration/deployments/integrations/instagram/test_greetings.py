"""Automatic greetings over the real webhook, a real shard and a real database."""

from dataclasses import replace

import pytest

from actors.conversation.rules.greetings import MANY_CONVERSATIONS
from persistence.channels import (
    AutomaticGreetings,
    ChannelEdit,
    edit_channel,
)
from persistence.database import Pool
from tests.support.instagram_line import FOREVER, SARA, SHOP, Line, message
from tests.support.website import CIPHER

WELCOME = "سلام! به فروشگاه ما خوش آمدید. به‌زودی پاسخ می‌دهیم."
AN_HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
async def _started(line: Line) -> None:
    await line.start(FOREVER)


def written(customer: str, mid: str, *, sent_ms: int = 0) -> dict[str, object]:
    return {
        **message(mid, text="قیمت؟"),
        "sender": {"id": customer},
        "timestamp": sent_ms,
    }


def echo(customer: str, mid: str, text: str = WELCOME) -> dict[str, object]:
    return {
        "sender": {"id": SHOP},
        "recipient": {"id": customer},
        "message": {"mid": mid, "text": text, "is_echo": True},
    }


async def leaders(pool: Pool) -> dict[str, str]:
    rows = await pool.fetch(
        "SELECT state ->> 'platform_id' AS customer, status FROM conversations"
    )
    return {row["customer"]: row["status"] for row in rows}


async def test_a_greeting_right_after_the_first_words_leaves_the_ai_in_the_lead(
    line: Line,
) -> None:
    assert await line.deliver(written(SARA, "m1"), echo(SARA, "e1")) == 200
    assert await leaders(line.pool) == {SARA: "active"}
    contents = [(row["type"], row["content"]) for row in await line.messages()]
    assert contents == [("customer", "قیمت؟"), ("support", WELCOME)]
    assert await line.replayed() == ()


async def test_a_channel_that_lets_greetings_take_over_is_a_persons(
    line: Line,
) -> None:
    edit = ChannelEdit(automatic_greetings=AutomaticGreetings.TAKE_OVER)
    channel = line.channel
    async with line.pool.acquire() as connection, connection.transaction():
        changed = await edit_channel(
            connection, CIPHER, channel.tenant_id, channel.id, edit
        )
    assert changed == replace(channel, automatic_greetings=AutomaticGreetings.TAKE_OVER)
    assert await line.deliver(written(SARA, "m1"), echo(SARA, "e1")) == 200
    assert await leaders(line.pool) == {SARA: "support_active"}


async def test_a_text_that_goes_to_many_customers_is_no_persons(line: Line) -> None:
    # They wrote an hour ago, by Meta's clock: no echo is close to the first words.
    at_ms = int(line.channel.created_at.timestamp() * 1000) - AN_HOUR_MS
    customers = [f"90000{number}" for number in range(MANY_CONVERSATIONS + 1)]
    for customer in customers:
        await line.deliver(written(customer, f"m-{customer}", sent_ms=at_ms))
        await line.deliver(echo(customer, f"e-{customer}"))
        # The same webhook again counts nobody twice.
        await line.deliver(echo(customer, f"e-{customer}"))
    found = await leaders(line.pool)
    assert [found[customer] for customer in customers] == [
        *["support_active"] * MANY_CONVERSATIONS,
        "active",
    ]


async def test_the_owners_own_words_take_over(line: Line) -> None:
    at_ms = int(line.channel.created_at.timestamp() * 1000) - AN_HOUR_MS
    await line.deliver(written(SARA, "m1", sent_ms=at_ms))
    await line.deliver(echo(SARA, "e1", "بله عزیزم، سایز ۴۴ هم موجود است"))
    assert await leaders(line.pool) == {SARA: "support_active"}
