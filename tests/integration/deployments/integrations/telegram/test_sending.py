"""Sending to Telegram, against a real HTTP server that plays the Bot API."""

import logging
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest
from structlog.testing import capture_logs

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError
from actors.conversation.ports import OutgoingPart
from actors.conversation.state import Source
from config.logging import mask_secrets
from config.settings import Settings
from deployments.integrations.sender import ChannelSender
from deployments.integrations.telegram.sending import LONGEST_PAUSE_S
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import SendId
from tests.support.servers.scripted_server import Fail, Hang, HangUp, Reply
from tests.support.servers.telegram_server import (
    TOKEN,
    TelegramServer,
    refusal,
    too_many,
)
from tests.support.website import CIPHER, add_shop

SARA = "7001"


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as telegram:
        yield telegram


@pytest.fixture
async def channel(pool: Pool) -> Channel:
    return await add_shop(pool, ChannelKind.TELEGRAM, "123456789", token=TOKEN)


@pytest.fixture
async def sender(pool: Pool, telegram: TelegramServer) -> AsyncIterator[ChannelSender]:
    sender = build_sender(pool, telegram.url)
    yield sender
    await sender.stop()


def build_sender(pool: Pool, url: str, *, read_s: float = 60.0) -> ChannelSender:
    timeout = httpx.Timeout(60.0, read=read_s)
    return ChannelSender(pool, CIPHER, Settings(telegram_api_url=url), timeout=timeout)


def part(channel: Channel, content: str = "سلام 🌷") -> OutgoingPart:
    return OutgoingPart(
        send_id=SendId(uuid4()),
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.TELEGRAM,
        customer=SARA,
        content=content,
    )


async def refuse(
    sender: ChannelSender, telegram: TelegramServer, channel: Channel, reply: Reply
) -> SendRefusedError:
    telegram.answer_next(reply)
    with pytest.raises(SendRefusedError) as caught:
        await sender.send(part(channel))
    return caught.value


async def test_d5_a_text_is_sent_as_it_is(
    sender: ChannelSender, telegram: TelegramServer, channel: Channel
) -> None:
    text = "قیمت <b>۵</b> & *۶* _۷_ [x](y) https://shop.example"
    mid = await sender.send(part(channel, text))
    (sent,) = telegram.sends
    assert sent.token == TOKEN
    # No parse mode: nothing has to be escaped, nothing can be taken for markup.
    assert sent.payload == {
        "chat_id": 7001,
        "text": text,
        "link_preview_options": {"is_disabled": True},
    }
    assert mid == "123456789:1001"


@pytest.mark.parametrize("seconds", [-5, 10**18])
async def test_a_pause_that_is_none_becomes_one_that_can_be_waited_for(
    sender: ChannelSender, telegram: TelegramServer, channel: Channel, seconds: int
) -> None:
    error = await refuse(sender, telegram, channel, too_many(seconds))
    assert error.retry_after_s is not None
    assert 0 <= error.retry_after_s <= LONGEST_PAUSE_S


async def test_retry_after_is_taken_at_its_word(
    sender: ChannelSender, telegram: TelegramServer, channel: Channel
) -> None:
    error = await refuse(sender, telegram, channel, too_many(17))
    assert (error.permanent, error.retry_after_s) == (False, 17.0)
    # Many customers at once meet the bot's limit many times: no message fails by it.
    assert error.is_limited


@pytest.mark.parametrize(
    "reply", [refusal(500, "Internal Server Error"), Fail(503, "<html>"), Fail(407)]
)
async def test_what_passes_is_tried_again(
    sender: ChannelSender, telegram: TelegramServer, channel: Channel, reply: Reply
) -> None:
    assert not (await refuse(sender, telegram, channel, reply)).permanent


@pytest.mark.parametrize(
    ("status", "description"),
    [
        (403, "Forbidden: bot was blocked by the user"),
        (400, "Bad Request: chat not found"),
        (401, "Unauthorized"),
    ],
)
async def test_a_plain_no_is_final_and_says_why(
    sender: ChannelSender,
    telegram: TelegramServer,
    channel: Channel,
    status: int,
    description: str,
) -> None:
    error = await refuse(sender, telegram, channel, refusal(status, description))
    assert error.permanent
    assert description in str(error)


@pytest.mark.parametrize(
    "reply",
    [Hang(), HangUp(), Fail(502, "<html>"), Fail(504), Fail(200, "<html>"), Fail(200)],
)
async def test_d5_a_lost_answer_is_unknown_and_not_sent_again_by_itself(
    pool: Pool, telegram: TelegramServer, channel: Channel, reply: Reply
) -> None:
    # Too short a time for any answer is as good as none: each of them is lost.
    sender = build_sender(pool, telegram.url, read_s=0.3)
    telegram.answer_next(reply)
    with pytest.raises(SendOutcomeUnknownError):
        await sender.send(part(channel))
    assert len(telegram.wait_for(1)) == 1
    await sender.stop()


async def test_nobody_there_is_a_refusal_that_passes(
    pool: Pool, channel: Channel
) -> None:
    sender = build_sender(pool, "http://127.0.0.1:9")
    with pytest.raises(SendRefusedError) as caught:
        await sender.send(part(channel))
    assert not caught.value.permanent
    await sender.stop()


async def test_the_token_is_in_no_error_and_no_log_line(
    pool: Pool,
    telegram: TelegramServer,
    channel: Channel,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sender = build_sender(pool, telegram.url, read_s=1.0)
    # Louder than any process of ours is set: the client itself names each address.
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx")
    with capture_logs() as ours:
        for reply in (
            refusal(400, f"Bad Request: bot{TOKEN} is no good, {TOKEN} is not"),
            Hang(),
            HangUp(),
            Fail(500, TOKEN),
            too_many(1),
        ):
            telegram.answer_next(reply)
            with pytest.raises((SendRefusedError, SendOutcomeUnknownError)) as caught:
                await sender.send(part(channel))
            assert TOKEN not in repr(caught.value)
            caplog.records.append(build_record(caught.value))
    await sender.stop()
    assert any("sendMessage" in record.getMessage() for record in caplog.records)
    formatter = logging.Formatter()
    for line in (*map(formatter.format, caplog.records), *map(str, ours)):
        written = str(mask_secrets(None, "info", {"event": line})["event"])
        assert TOKEN.split(":")[1] not in written


def build_record(error: BaseException) -> logging.LogRecord:
    """Build what is written when an error is logged with all that led to it."""
    exc_info = (type(error), error, error.__traceback__)
    return logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), exc_info)
