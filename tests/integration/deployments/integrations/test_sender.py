"""Sending to Instagram, against a real HTTP server that plays Graph."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import UUID, uuid4

import httpx
import pytest

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError
from actors.conversation.ports import OutgoingPart
from actors.conversation.state import Source
from config.settings import Settings
from deployments.integrations.instagram.sending import LIMIT_RETRY_S
from deployments.integrations.sender import PAUSED, PAUSED_RETRY_S, ChannelSender
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import SendId, TenantId
from persistence.secrets import Cipher
from tests.support.servers.graph_server import Accept, Fail, GraphServer, Hang, HangUp
from tests.support.website import CIPHER, add_shop

TOKEN = "IGAA-a-token"


@pytest.fixture
def graph() -> Iterator[GraphServer]:
    with GraphServer() as graph:
        yield graph


@pytest.fixture
async def channel(pool: Pool) -> Channel:
    return await add_shop(pool, ChannelKind.INSTAGRAM, "4711", token=TOKEN)


@pytest.fixture
async def sender(pool: Pool, graph: GraphServer) -> AsyncIterator[ChannelSender]:
    sender = build_sender(pool, graph.url)
    yield sender
    await sender.stop()


def build_sender(
    pool: Pool, url: str, cipher: Cipher = CIPHER, *, read_s: float = 60.0
) -> ChannelSender:
    timeout = httpx.Timeout(60.0, read=read_s)
    return ChannelSender(
        pool, cipher, Settings(instagram_graph_url=url), timeout=timeout
    )


def part(channel: Channel, source: Source = Source.INSTAGRAM) -> OutgoingPart:
    return OutgoingPart(
        send_id=SendId(uuid4()),
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=source,
        customer="sara",
        content="سلام 🌷",
    )


async def refusal(sender: ChannelSender, part: OutgoingPart) -> SendRefusedError:
    with pytest.raises(SendRefusedError) as caught:
        await sender.send(part)
    return caught.value


async def test_a_part_is_delivered_once_with_the_channels_token(
    sender: ChannelSender, graph: GraphServer, channel: Channel
) -> None:
    mid = await sender.send(part(channel))
    (sent,) = graph.sends
    assert sent.path == "/v24.0/me/messages"
    assert (sent.recipient, sent.text) == ("sara", "سلام 🌷")
    assert (sent.token, sent.mid) == (TOKEN, mid)


async def test_a_late_answer_says_that_a_person_writes(
    sender: ChannelSender, graph: GraphServer, channel: Channel
) -> None:
    await sender.send(part(channel))
    await sender.send(replace(part(channel), tag="HUMAN_AGENT"))
    plain, tagged = graph.sends
    assert (plain.messaging_type, plain.tag) == ("", "")
    assert (tagged.messaging_type, tagged.tag) == ("MESSAGE_TAG", "HUMAN_AGENT")


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_what_passes_is_tried_again(
    sender: ChannelSender, graph: GraphServer, channel: Channel, status: int
) -> None:
    graph.answer_next(Fail(status, headers={"retry-after": "17"}))
    error = await refusal(sender, part(channel))
    assert not error.permanent
    assert error.retry_after_s == 17.0


@pytest.mark.parametrize("code", [4, 17, 613])
async def test_a_rate_limit_that_comes_as_400_is_tried_again(
    sender: ChannelSender, graph: GraphServer, channel: Channel, code: int
) -> None:
    graph.answer_next(Fail(400, f'{{"error": {{"message": "slow", "code": {code}}}}}'))
    error = await refusal(sender, part(channel))
    assert not error.permanent
    # For an hour perhaps, which no number of attempts would outlive.
    assert error.is_limited
    assert error.retry_after_s == LIMIT_RETRY_S


@pytest.mark.parametrize(("status", "is_limited"), [(429, True), (500, False)])
async def test_only_a_limit_is_no_failed_attempt(
    sender: ChannelSender,
    graph: GraphServer,
    channel: Channel,
    status: int,
    is_limited: bool,
) -> None:
    graph.answer_next(Fail(status))
    assert (await refusal(sender, part(channel))).is_limited is is_limited


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_plain_no_is_final_and_says_why_without_the_token(
    sender: ChannelSender, graph: GraphServer, channel: Channel, status: int
) -> None:
    body = f'{{"error": {{"message": "token {TOKEN} is no good", "code": 190}}}}'
    graph.answer_next(Fail(status, body))
    error = await refusal(sender, part(channel))
    assert error.permanent
    assert "is no good" in str(error)
    assert TOKEN not in str(error)


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"error": "text"}'])
async def test_a_no_in_another_language_is_still_a_no(
    sender: ChannelSender, graph: GraphServer, channel: Channel, body: str
) -> None:
    graph.answer_next(Fail(400, body))
    assert (await refusal(sender, part(channel))).permanent


async def test_d5_a_lost_answer_is_unknown_and_not_sent_again_by_itself(
    pool: Pool, graph: GraphServer, channel: Channel
) -> None:
    # Too short a time for any answer is as good as none: each of them is lost.
    sender = build_sender(pool, graph.url, read_s=0.3)
    graph.answer_next(Hang(), HangUp(), Fail(504), Fail(200, "{}"), Accept())
    for expected in range(1, 5):
        with pytest.raises(SendOutcomeUnknownError):
            await sender.send(part(channel))
        assert len(graph.wait_for(expected)) == expected
    await sender.stop()


async def test_nobody_there_is_a_refusal_that_passes(
    pool: Pool, channel: Channel
) -> None:
    sender = build_sender(pool, "http://127.0.0.1:9")
    assert not (await refusal(sender, part(channel))).permanent
    await sender.stop()


async def test_a_paused_channel_sends_nothing(
    sender: ChannelSender, graph: GraphServer, pool: Pool
) -> None:
    paused = await add_shop(
        pool, ChannelKind.INSTAGRAM, "4712", token=TOKEN, is_paused=True
    )
    error = await refusal(sender, part(paused))
    assert (str(error), error.permanent, error.retry_after_s) == (
        PAUSED,
        False,
        PAUSED_RETRY_S,
    )
    assert graph.sends == []


async def test_what_can_never_be_sent_is_refused_for_good(
    sender: ChannelSender, graph: GraphServer, pool: Pool, channel: Channel
) -> None:
    stranger = TenantId(UUID(int=9))
    foreign = OutgoingPart(
        send_id=SendId(uuid4()),
        tenant_id=stranger,
        channel_id=channel.id,
        source=Source.INSTAGRAM,
        customer="sara",
        content="x",
    )
    without_token = await add_shop(pool, ChannelKind.INSTAGRAM, "4713")
    other_key = build_sender(pool, graph.url, Cipher("another key"))
    for error in (
        await refusal(sender, foreign),
        await refusal(sender, part(without_token)),
        await refusal(sender, part(channel, Source.TELEGRAM)),
        await refusal(other_key, part(channel)),
    ):
        assert error.permanent
    assert graph.sends == []
    await other_key.stop()


async def test_a_database_that_is_away_is_a_refusal_that_passes(
    sender: ChannelSender, pool: Pool, channel: Channel
) -> None:
    await pool.close()
    assert not (await refusal(sender, part(channel))).permanent
