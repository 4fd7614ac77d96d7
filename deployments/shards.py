"""Wiring of the shards: what their processes open, and how the runtime starts them."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from actors.conversation.actor import ShardPlan
from actors.conversation.client import start_shards, stop_shards
from actors.conversation.ports import Profiles, Responder, Sender
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.mirror import NO_MIRROR, Mirror, RedisMirror
from config.logging import setup_logging
from config.settings import Settings, load_settings
from deployments.answers.clients import RemoteResponder
from deployments.integrations.profiles import ChannelProfiles
from deployments.integrations.sender import ChannelSender
from deployments.wiring import get_cipher, get_dsn
from persistence.database import Pool
from persistence.journal import fence_all

#: A stopping shard writes what it has accepted: milliseconds, unless it hangs.
STOP_TIMEOUT = timedelta(seconds=4)


@dataclass(frozen=True, slots=True)
class ShardWays:
    """Opens, inside a shard's process, the ways to all that is outside."""

    async def open(self, pool: Pool) -> tuple[Responder, Sender, Profiles, Mirror]:
        """Open the ways to the answering side, the platforms and the mirror."""
        settings = load_settings()
        setup_logging(settings.logs_dir, "shards")
        cipher = get_cipher(settings)
        sender = ChannelSender(pool, cipher, settings)
        profiles = ChannelProfiles(pool, cipher, settings)
        url = settings.redis_url
        mirror: Mirror = (
            NO_MIRROR if url is None else RedisMirror(pool, url.get_secret_value())
        )
        return RemoteResponder(settings.llm_timeout_s), sender, profiles, mirror


def start(settings: Settings) -> None:
    """Start the shards; they take their places from a runtime before this one."""
    # The embedded database's address is known only to the environment by now.
    dsn = get_dsn(load_settings())
    asyncio.run(_take_all_places(dsn))
    plans = [
        ShardPlan(
            shard=shard,
            shards=settings.shards,
            database_url=dsn,
            policy=Policy(
                reply_debounce=settings.reply_debounce,
                share_timeout=settings.share_timeout,
            ),
        )
        for shard in range(settings.shards)
    ]
    start_shards(plans, ShardWays())


def stop(settings: Settings) -> None:
    """Let the shards finish what they accepted, then end them."""
    stop_shards(settings.shards, STOP_TIMEOUT)


async def _take_all_places(dsn: str) -> None:
    # A runtime before this one may still live elsewhere, with more shards than we
    # start: the places that nobody takes from it are taken here.
    connection = await asyncpg.connect(dsn)
    try:
        await fence_all(connection)
    finally:
        await connection.close()
