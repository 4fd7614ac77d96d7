"""Housekeeping of a shard: erasures that were asked for, and rows that became too old.

A shard does this for its own conversations: it holds their states in memory, so nobody
else may remove their rows. All goes in small steps, between which messages are stored.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog

from actors.clock import Clock
from actors.clock_watch import ClockWatch
from actors.conversation.errors import UnknownConversationError
from actors.conversation.events import CustomerErased, Event
from actors.conversation.shard.envelope import Receipt
from actors.errors import ActorError
from persistence import (
    dead_letters,
    erasure,
    retention,
    workflow_mails,
    workflow_runs,
)
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.ids import ConversationId, EventId

#: A person waits for the command line; the query reads one small table.
POLL_INTERVAL_S = 2.0
PRUNE_INTERVAL = timedelta(hours=1)
#: How long the clock must have been right before anything is pruned by it.
STEADY_FOR = timedelta(minutes=10)
#: A pause between two steps of deletes, in which other statements run.
PRUNE_PAUSE_S = 0.1
FOR_EVER = timedelta.max
#: Erasures of one round; each is a transaction of its own.
MAX_REQUESTS = 50

log = structlog.get_logger("housekeeping")

#: `Shard.submit`.
Submit = Callable[[Sequence[Event]], Awaitable[list[Receipt | ActorError]]]


class ShardHousekeeping:
    """Erases what is asked for, and what is older than the retention."""

    def __init__(
        self,
        pool: Pool,
        shard: int,
        shards: int,
        submit: Submit,
        clock: Clock,
        message_retention: timedelta | None = None,
        *,
        clock_watch: ClockWatch | None = None,
    ) -> None:
        self._pool = pool
        self._shard = shard
        self._shards = shards
        self._submit = submit
        self._clock = clock
        self._clock_watch = clock_watch or ClockWatch(clock)
        self._retention = message_retention
        self._pruned: datetime | None = None

    async def run(self) -> None:
        """Run what is due until cancelled. No failure ends it."""
        while True:
            try:
                await self.erase_requested()
                await self.prune_when_due()
            except DATABASE_AWAY as error:
                # The shard itself warns of that.
                log.info("housekeeping_waits", shard=self._shard, error=repr(error))
            except Exception:
                log.exception("housekeeping_failed", shard=self._shard)
            await asyncio.sleep(POLL_INTERVAL_S)

    async def erase_requested(self) -> int:
        """Erase what the command line asked for; return how many were erased."""
        erased = 0
        while True:
            asked = await erasure.fetch_requests(
                self._pool, self._shard, self._shards, MAX_REQUESTS
            )
            for conversation in asked:
                outcome = await self._erase(conversation)
                if isinstance(outcome, Receipt):
                    erased += 1
                elif isinstance(outcome, UnknownConversationError):
                    await erasure.withdraw_request(self._pool, conversation)
                else:
                    # The shard waits for its database, or stops: ask again later.
                    return erased
            if len(asked) < MAX_REQUESTS:
                return erased

    async def prune_when_due(self) -> None:
        """Prune once an hour, and only by a clock that has gone on as time does.

        A clock that is wrong for a moment must not cost what customers wrote.
        """
        is_steady = self._clock_watch.is_steady(STEADY_FOR)
        now = self._clock.now()
        is_due = self._pruned is None or abs(now - self._pruned) >= PRUNE_INTERVAL
        if is_due and is_steady:
            await self.prune()
            self._pruned = now

    async def prune(self) -> None:
        """Remove what is older than the retention, and what is of no use any more."""
        now = self._clock.now()
        if self._shard == 0:
            await self._prune_leftovers(now)
        if self._retention is None:
            return
        trusted = await retention.fetch_trusted_now(self._pool, now, self._retention)
        before = trusted - self._retention
        expired = await self._erase_expired(before)
        pruned = await self._prune_messages(before)
        if expired or pruned:
            log.info(
                "messages_pruned",
                shard=self._shard,
                messages=pruned,
                conversations=expired,
            )

    async def _prune_leftovers(self, now: datetime) -> None:
        """Remove what holds words with the messages of their age, and old hashes."""
        letters_kept = min(dead_letters.KEPT_FOR, self._retention or FOR_EVER)
        runs_kept = min(workflow_runs.RUNS_KEPT, self._retention or FOR_EVER)
        await _in_steps(lambda: erasure.prune_forgotten(self._pool, now))
        await _in_steps(
            lambda: dead_letters.prune_dead_letters(self._pool, now - letters_kept)
        )
        await _in_steps(lambda: workflow_runs.prune_runs(self._pool, now - runs_kept))
        mails_before = now - workflow_mails.MAILS_KEPT
        await _in_steps(lambda: workflow_mails.prune_mails(self._pool, mails_before))

    async def _erase_expired(self, before: datetime) -> int:
        """Erase the conversations that hold no newer message, with their customers."""
        erased, after = 0, ConversationId(UUID(int=0))
        while True:
            page = await retention.fetch_expired(
                self._pool, self._shard, self._shards, before, after
            )
            for found in page:
                # The customer may write meanwhile: then this version is not the last.
                outcome = await self._erase(found.id, found.version)
                erased += isinstance(outcome, Receipt)
            if len(page) < retention.PAGE:
                return erased
            after = page[-1].id
            await asyncio.sleep(PRUNE_PAUSE_S)

    async def _prune_messages(self, before: datetime) -> int:
        pruned, after = 0, ConversationId(UUID(int=0))
        while True:
            page = await retention.fetch_page(
                self._pool, self._shard, self._shards, before, after
            )
            if not page:
                return pruned
            async with self._pool.acquire() as connection, connection.transaction():
                pruned += await retention.prune_messages(connection, page, before)
            after = page[-1]
            await asyncio.sleep(PRUNE_PAUSE_S)

    async def _erase(
        self, conversation: ConversationId, version: int | None = None
    ) -> Receipt | ActorError:
        event = CustomerErased(
            id=EventId(uuid4()),
            conversation_id=conversation,
            at=self._clock.now(),
            version=version,
        )
        (outcome,) = await self._submit([event])
        return outcome


async def _in_steps(prune: Callable[[], Awaitable[int]]) -> None:
    """Prune step by step, until there is nothing left."""
    while True:
        if not await prune():
            return
        await asyncio.sleep(PRUNE_PAUSE_S)
