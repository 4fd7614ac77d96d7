"""The three webhooks over a real database and a real shard, called with any body."""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

import httpx
import orjson
from pydantic import SecretStr

from actors.clock import SystemClock
from actors.conversation.replay import find_differences, rebuild
from actors.conversation.rules.policy import Policy
from config.settings import Settings
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.webhooks import build_webhooks_app
from deployments.integrations.website.visitors import build_signer
from deployments.rate_limit import VisitorRateLimiter
from persistence.channels import Channel, ChannelKind, ChannelTokens, NewChannel
from persistence.database import Pool, open_pool
from persistence.history import fetch_history
from persistence.ids import ConversationId
from persistence.tenants import create_tenant
from tests.support.api import LocalShards
from tests.support.fuzzing.payloads import ACCOUNT
from tests.support.webhooks import sign
from tests.support.website import CIPHER, add_channel

APP_SECRET = "the app's secret"
BOT_SECRET = "a-secret-of-the-webhook"
WEBSITE_KEY = "shop-key-1"
#: Nobody is answered and no share runs out while a body is judged.
PATIENT = Policy(reply_debounce=timedelta(hours=1), share_timeout=timedelta(hours=2))
#: The processor time of one webhook of a megabyte, many times what the worst takes.
MAX_CPU_S = 3.0
#: What a sender is told who sends no JSON, or too much of it.
REFUSALS = frozenset({400, 413})
#: A visitor's page, unlike a platform, is told what is wrong with its fields.
WEBSITE_STATUSES = frozenset({200, 201, 401, 409, 422, 429})
SETTINGS = Settings(
    instagram_app_secret=SecretStr(APP_SECRET),
    secret_key=SecretStr("a key of these tests that is long enough"),
)


@dataclass
class Webhooks:
    """The webhooks of one shop with a channel of each kind."""

    pool: Pool
    shards: LocalShards
    client: httpx.AsyncClient
    channels: dict[ChannelKind, Channel] = field(default_factory=dict)
    n_judged: int = 0

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """Open the database, start the shard and connect the channels."""
        pool = await open_pool(dsn)
        shards = LocalShards(pool, policy=PATIENT)
        await shards.shard.start()
        clock = SystemClock()
        app = build_webhooks_app(
            SETTINGS,
            shards,
            ChannelDirectory(pool),
            clock,
            VisitorRateLimiter(clock, per_visitor=10**9, per_address=10**9),
            CIPHER,
        )
        # What breaks is raised here: the test shows where.
        transport = httpx.ASGITransport(app)
        client = httpx.AsyncClient(transport=transport, base_url="http://pilito.test")
        webhooks = cls(pool, shards, client)
        await webhooks._connect_channels()
        return webhooks

    async def close(self) -> None:
        """Stop the shard and leave the database."""
        await self.client.aclose()
        await self.shards.shard.stop()
        await self.pool.close()

    async def _connect_channels(self) -> None:
        tenant = await create_tenant(self.pool, "shop")
        for kind, account, secret in (
            (ChannelKind.INSTAGRAM, ACCOUNT, None),
            (ChannelKind.TELEGRAM, "123456789", BOT_SECRET),
            (ChannelKind.WEBSITE, WEBSITE_KEY, None),
        ):
            new = NewChannel(kind, "channel", account, ChannelTokens("token", secret))
            self.channels[kind] = await add_channel(self.pool, tenant.id, new)

    async def judge(self, kind: ChannelKind, body: bytes) -> None:
        """Deliver a body; what it left behind must be readable.

        Raises:
            AssertionError: the answer is wrong or late, or an event can't be replayed.
        """
        began = time.process_time()
        answer = await self._post(kind, body)
        took_s = time.process_time() - began
        assert took_s < MAX_CPU_S, f"{took_s:.1f} s for {len(body)} bytes"
        allowed = set(REFUSALS)
        if kind is ChannelKind.WEBSITE:
            allowed |= WEBSITE_STATUSES
        elif _is_json(body):
            # A platform repeats for a day and longer what is not answered 200.
            allowed = {200}
        else:
            allowed |= {200}
        assert answer.status_code in allowed, answer.text
        await self._replay()

    async def _post(self, kind: ChannelKind, body: bytes) -> httpx.Response:
        if kind is ChannelKind.INSTAGRAM:
            path, headers = "/webhooks/instagram/", sign(body, APP_SECRET)
        elif kind is ChannelKind.TELEGRAM:
            path = f"/webhooks/telegram/{self.channels[kind].id}/"
            headers = {"X-Telegram-Bot-Api-Secret-Token": BOT_SECRET}
        else:
            path, headers = f"/webhooks/website/{WEBSITE_KEY}/messages/", {}
            body = self._prove(body)
        return await self.client.post(path, content=body, headers=headers)

    def _prove(self, body: bytes) -> bytes:
        """Add the token that the visitor's page has; a body that names nobody stays."""
        try:
            message = orjson.loads(body)
        except orjson.JSONDecodeError:
            return body
        visitor_id = message.get("visitor_id") if isinstance(message, dict) else None
        if not isinstance(visitor_id, str) or "token" in message:
            return body
        channel = self.channels[ChannelKind.WEBSITE]
        token = build_signer(SETTINGS).sign(channel.id, visitor_id)
        try:
            return orjson.dumps(message | {"token": token})
        except orjson.JSONEncodeError:
            return body  # Deeper than anything can write it.

    async def _replay(self) -> None:
        """Replay the conversations that the last webhook touched."""
        touched = {event.conversation_id for event in self.shards.events}
        self.shards.events.clear()
        self.n_judged += 1
        for conversation in touched:
            differences = await self._find_differences(conversation)
            assert not differences, "; ".join(differences)

    async def _find_differences(self, conversation: ConversationId) -> tuple[str, ...]:
        story = await fetch_history(self.pool, conversation)
        if story is None:
            # It was about a message that we never had.
            return ()
        return find_differences(story.state, rebuild(story.events, PATIENT))


def _is_json(body: bytes) -> bool:
    """Whether our reader takes it as it stands, and nobody would call it too large."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return len(body) <= 1024 * 1024
