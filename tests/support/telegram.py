"""A shop on Telegram: the Bot API, the webhooks and a real shard, wired together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from pydantic import SecretStr

from actors.clock import SystemClock
from actors.conversation.ports import AnswerJob, WrittenAnswer
from actors.conversation.rules.policy import Policy
from config.settings import Settings
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.channel_registration import ChannelRegistration
from deployments.integrations.sender import ChannelSender
from deployments.integrations.webhooks import build_webhooks_app
from persistence.channels import Channel, ChannelKind, ChannelTokens, NewChannel
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.tenants import create_tenant
from tests.support.api import LocalShards
from tests.support.servers.http_server import ANSWER_S, serving
from tests.support.servers.telegram_server import TOKEN, TelegramServer
from tests.support.website import CIPHER

QUICK = Policy(reply_debounce=timedelta(milliseconds=100))


@dataclass
class Answerer:
    """Answers every job with the same text."""

    text: str = "بله، موجود است"
    jobs: list[AnswerJob] = field(default_factory=list)

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Answer the job."""
        self.jobs.append(job)
        return WrittenAnswer(self.text)


@dataclass(frozen=True, slots=True)
class TelegramShop:
    """A running shop; `client` is how Telegram reaches it, over real HTTP."""

    pool: Pool
    telegram: TelegramServer
    channel: Channel
    client: httpx.AsyncClient
    answerer: Answerer
    registration: ChannelRegistration

    async def deliver(self, *updates: object) -> list[int]:
        """Let Telegram deliver the updates, one after another."""
        return await self.telegram.deliver(self.client, updates)


@asynccontextmanager
async def running_shop(
    pool: Pool, telegram: TelegramServer, policy: Policy = QUICK
) -> AsyncIterator[TelegramShop]:
    """Run the webhooks and one shard, and connect the shop's bot."""
    settings = Settings(
        telegram_api_url=telegram.url,
        public_url="https://shop.example",
        secret_key=SecretStr("a key that none of these tests ever reads"),
    )
    clock, answerer = SystemClock(), Answerer()
    sender = ChannelSender(pool, CIPHER, settings)
    shards = LocalShards(pool, answerer, sender, policy)
    app = build_webhooks_app(
        settings, shards, ChannelDirectory(pool), clock, cipher=CIPHER
    )
    registration = ChannelRegistration(pool, CIPHER, settings)
    tenant = await create_tenant(pool, "shop")
    await shards.shard.start()
    try:
        channel = await registration.create(tenant.id, new_bot())
        async with (
            serving(app) as address,
            httpx.AsyncClient(base_url=f"http://{address}", timeout=ANSWER_S) as client,
        ):
            yield TelegramShop(pool, telegram, channel, client, answerer, registration)
    finally:
        await shards.shard.stop()
        await sender.stop()
        await registration.stop()


def new_bot(token: str = TOKEN) -> NewChannel:
    """Build a bot's channel, still to be created."""
    tokens = ChannelTokens(token, "a-secret-of-the-webhook")
    bot_id = token.partition(":")[0]
    return NewChannel(ChannelKind.TELEGRAM, "bot", bot_id, tokens, is_proven=True)


async def fetch_texts(pool: Pool, tenant_id: TenantId) -> list[str]:
    """Fetch what is stored of customers, in the order in which it is shown."""
    rows = await pool.fetch(
        "SELECT content FROM messages WHERE tenant_id = $1 AND type = 'customer'"
        " ORDER BY position",
        tenant_id,
    )
    return [row["content"] for row in rows]
