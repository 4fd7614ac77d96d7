"""Shards with a Redis mirror, and the events that change it."""

from datetime import timedelta
from uuid import UUID, uuid4

from actors.clock import SystemClock
from actors.conversation.events import (
    AiSwitched,
    ConversationRedirected,
    CustomerShared,
    CustomerWrote,
    Event,
)
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.mirror import MirrorHealth, MirrorTimings, RedisMirror
from actors.conversation.shard.shard import Receipt, Shard
from actors.conversation.state import Destination, Source
from persistence.database import Pool
from persistence.ids import (
    ChannelId,
    ConversationId,
    EventId,
    TenantId,
    UserId,
    derive_conversation_id,
    derive_event_id,
)
from persistence.journal import PostgresJournal
from tests.support.api import SilentResponder, TakingSender
from tests.support.waiting import wait_until

TENANT = TenantId(UUID(int=1))
CHANNEL = ChannelId(UUID(int=2))
#: The AI stays out of these tests.
PATIENT = Policy(reply_debounce=timedelta(hours=1))
QUICK = MirrorTimings(
    gather=timedelta(milliseconds=1),
    check=timedelta(milliseconds=20),
    retry=timedelta(milliseconds=20),
    # A busy machine answers late; a test of a Redis that hangs waits less.
    timeout=timedelta(seconds=20),
)
#: A moment on an idle machine.
WAIT_S = 30.0
ON, OFF = '{"ai_enabled": true}', '{"ai_enabled": false}'


def ai_key(conversation: ConversationId) -> str:
    """Return where the mirror shows whether the AI is on."""
    return f"ai_control_{conversation}"


class MirrorBench:
    """Starts shards over one database and one Redis."""

    def __init__(self, pool: Pool, url: str) -> None:
        self.pool = pool
        self.url = url
        self.shards: list[Shard] = []
        self.mirrors: list[RedisMirror] = []

    async def prepare(self) -> None:
        """Open a shop."""
        await self.pool.execute(
            "INSERT INTO tenants (id, name) VALUES ($1, 'shop')", TENANT
        )
        await self.pool.execute(
            "INSERT INTO channels (id, tenant_id, kind, name, account_id)"
            " VALUES ($1, $2, 'website', 'site', 'key')",
            CHANNEL,
            TENANT,
        )

    async def start(
        self, timings: MirrorTimings = QUICK, *, shard: int = 0, of: int = 1
    ) -> Shard:
        """Start a shard; one of the same number before it loses its place."""
        mirror = RedisMirror(self.pool, self.url, timings)
        started = Shard(
            shard=shard,
            shards=of,
            journal=PostgresJournal(self.pool),
            responder=SilentResponder(),
            sender=TakingSender(),
            policy=PATIENT,
            clock=SystemClock(),
            mirror=mirror,
        )
        await started.start()
        self.shards.append(started)
        self.mirrors.append(mirror)
        return started

    def healths(self) -> list[MirrorHealth]:
        """Return the state of each mirror, in the order of their starts."""
        return [mirror.health for mirror in self.mirrors]

    async def wait_for_health(self, mirror: RedisMirror, health: MirrorHealth) -> None:
        """Wait until the mirror reports this state."""
        await wait_until(lambda: mirror.health is health)

    async def settle(self) -> None:
        """Wait until no mirror has anything left to write."""
        await wait_until(
            lambda: not any(mirror._has_unwritten for mirror in self.mirrors)
        )

    async def stop(self) -> None:
        """Stop all."""
        for shard in self.shards:
            await shard.stop()


async def write(
    shard: Shard, customer: str, mid: str = "m1", source: Source = Source.WEBSITE
) -> ConversationId:
    """Let the customer write; return the conversation."""
    conversation = derive_conversation_id(CHANNEL, customer)
    await _submit(
        shard,
        CustomerWrote(
            id=derive_event_id(conversation, mid),
            conversation_id=conversation,
            at=SystemClock().now(),
            tenant_id=TENANT,
            channel_id=CHANNEL,
            source=source,
            customer=customer,
            mid=mid,
            text="سلام",
        ),
    )
    return conversation


async def share(shard: Shard, customer: str, caption: str) -> ConversationId:
    """Let the customer share a post on Instagram."""
    conversation = derive_conversation_id(CHANNEL, customer)
    await _submit(
        shard,
        CustomerShared(
            id=derive_event_id(conversation, caption),
            conversation_id=conversation,
            at=SystemClock().now(),
            tenant_id=TENANT,
            channel_id=CHANNEL,
            source=Source.INSTAGRAM,
            customer=customer,
            mid=caption,
            content=caption,
        ),
    )
    return conversation


async def switch_ai(shard: Shard, conversation: ConversationId, *, on: bool) -> None:
    """Turn the AI on or off."""
    await _submit(
        shard,
        AiSwitched(
            id=EventId(uuid4()),
            conversation_id=conversation,
            at=SystemClock().now(),
            user_id=UserId(UUID(int=3)),
            ai_enabled=on,
        ),
    )


async def redirect(
    shard: Shard, conversation: ConversationId, destination: Destination
) -> None:
    """Hand the conversation over."""
    await _submit(
        shard,
        ConversationRedirected(
            id=EventId(uuid4()),
            conversation_id=conversation,
            at=SystemClock().now(),
            destination=destination,
        ),
    )


async def _submit(shard: Shard, event: Event) -> None:
    (result,) = await shard.submit([event])
    assert isinstance(result, Receipt), result
