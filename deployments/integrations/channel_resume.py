"""Tells the conversations of a channel that it is paused no more."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import structlog

from actors.clock import Clock
from actors.conversation.client import Shards
from actors.conversation.errors import ActorError
from actors.conversation.events import ChannelResumed
from persistence.channels import Channel
from persistence.database import Pool
from persistence.ids import ConversationId, EventId
from persistence.outbox import fetch_waiting_conversations

#: Told at once, and stored in a few batches; customers' messages come in between.
PAGE = 200

log = structlog.get_logger("resuming")


async def resume_waiting(
    pool: Pool, shards: Shards, clock: Clock, channel: Channel
) -> None:
    """Have sent what waits for the channel.

    Never raises. Where it is cut short nothing is lost: each conversation looks again
    by itself, minutes later.
    """
    told, after = 0, ConversationId(UUID(int=0))
    try:
        while waiting := await fetch_waiting_conversations(
            pool, channel.tenant_id, channel.id, after=after, limit=PAGE
        ):
            await asyncio.gather(
                *(_tell(shards, clock, conversation) for conversation in waiting)
            )
            told, after = told + len(waiting), waiting[-1]
    except (
        ActorError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        OSError,
        TimeoutError,
    ) as error:
        log.warning(
            "resuming_cut_short",
            channel_id=str(channel.id),
            told=told,
            reason=repr(error),
        )
    else:
        log.info("channel_resumed", channel_id=str(channel.id), told=told)


async def _tell(shards: Shards, clock: Clock, conversation: ConversationId) -> None:
    await shards.submit(
        ChannelResumed(
            id=EventId(uuid4()), conversation_id=conversation, at=clock.now()
        )
    )
