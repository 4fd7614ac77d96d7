"""Starts and stops the shards, and opens the dependencies of their processes."""

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import asyncpg

from actors.conversation.actor import ShardDependencies, ShardPlan
from actors.conversation.client import end_shards, start_shards, stop_shards
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.mirror import Mirror, RedisMirror
from config.logging import setup_logging
from config.settings import Settings, load_settings
from deployments.answers.clients import RemoteResponder
from deployments.integrations.profiles import ChannelProfiles
from deployments.integrations.sender import ChannelSender
from deployments.wiring import get_cipher, get_dsn, get_keyed_hash
from deployments.workflows.process import open_worker
from persistence.database import Pool, prepare_connection
from persistence.journal import fence_all
from persistence.runtime_terms import begin_term, check_term

#: A stopping shard writes its accepted events, which takes milliseconds.
STOP_TIMEOUT = timedelta(seconds=4)


async def open_dependencies(term_id: UUID, pool: Pool) -> ShardDependencies:
    """Connect a shard's process to the answering side, the platforms and the mirror.

    Raises:
        ShardFencedError: another runtime has begun on this database. A shard that Ray
            starts again must not take its place back.
    """
    await check_term(pool, term_id)
    settings = load_settings()
    setup_logging(settings.logs_dir, "shards")
    cipher = get_cipher(settings)
    url = settings.redis_url
    return ShardDependencies(
        responder=RemoteResponder(settings.llm_timeout_s),
        sender=ChannelSender(pool, cipher, settings),
        profiles=ChannelProfiles(pool, cipher, settings),
        keyed_hash=get_keyed_hash(settings),
        mirror=Mirror() if url is None else RedisMirror(pool, url.get_secret_value()),
        worker=open_worker(pool, cipher, settings),
    )


def start(settings: Settings) -> UUID:
    """Start the shards, and fence those of an earlier runtime.

    Returns:
        The id of this runtime's term.
    """
    # The embedded database's address is known only to the environment by now.
    dsn = get_dsn(load_settings())
    term_id = uuid4()
    asyncio.run(_fence_earlier_runtime(dsn, term_id))
    # In a cluster that we join, a killed runtime may have left some, fenced by now.
    end_shards(settings.shards)
    plans = [
        ShardPlan(
            shard=shard,
            shards=settings.shards,
            database_url=dsn,
            policy=Policy(
                reply_debounce=settings.reply_debounce,
                share_timeout=settings.share_timeout,
            ),
            message_retention=settings.message_retention,
        )
        for shard in range(settings.shards)
    ]
    start_shards(plans, partial(open_dependencies, term_id))
    return term_id


def stop(settings: Settings) -> None:
    """Let the shards finish their accepted events, then end them."""
    stop_shards(settings.shards, STOP_TIMEOUT)


async def _fence_earlier_runtime(dsn: str, term_id: UUID) -> None:
    # It may still run elsewhere, with more shards than this one starts and so fences.
    connection = await asyncpg.connect(dsn)
    try:
        await prepare_connection(connection)
        async with connection.transaction():
            await begin_term(connection, term_id)
            await fence_all(connection)
    finally:
        await connection.close()
