"""The mirror in Redis: what it must show, and the two scripts that write it.

Others read `ai_control_{id}` and `pending_share_{id}`; we never do, except to see
whether they are as they must be. Each shard's place in the mirror is a key beside them,
`pilito_mirror_{shard}`: who writes, and for the how-manieth time. Every write names it
and is refused when it is another or gone, so that neither a shard that lost its place,
nor a write that was long on its way, nor an emptied Redis goes unnoticed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from types import TracebackType
from typing import Self, cast
from urllib.parse import unquote, urlsplit

import asyncpg
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from persistence.database import Pool
from persistence.errors import MirrorPlaceLostError, MirrorUnreachableError
from persistence.ids import ConversationId
from persistence.queries import load_queries

_SQL = load_queries("mirror")

# KEYS: our place, then the other shards'. ARGV: our epoch and count, the greater place
# that we saw and may take from its holder, then the epoch of each other shard.
# A place that is behind its shard's epoch is a dead writer's: it is taken from it too.
_TAKE = """
local function read(key)
    local value = redis.pcall('GET', key)
    if type(value) ~= 'string' then return nil end
    local epoch, count = string.match(value, '^(%d+):(%d+)$')
    return value, tonumber(epoch), tonumber(count)
end
local epoch, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local held, held_epoch, held_count = read(KEYS[1])
if held_epoch and held ~= ARGV[3] and
    (held_epoch > epoch or (held_epoch == epoch and held_count > count)) then
    return held
end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2])
for i = 2, #KEYS do
    local _, other = read(KEYS[i])
    if other and other < tonumber(ARGV[i + 2]) then redis.call('DEL', KEYS[i]) end
end
return ''
"""

# KEYS and ARGV: our place, then for each key the value that it must have, '' for none.
# Answers whether the place is ours and, if so, what was found under each key.
# A time-out that someone put on a key would make it wrong by itself: it is taken off.
_WRITE = """
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return {0} end
local found = {1}
for i = 2, #KEYS do
    local is = redis.pcall('GET', KEYS[i])
    if ARGV[i] == '' then
        found[i] = is and 3 or 0
        if is then redis.call('DEL', KEYS[i]) end
    elseif is == ARGV[i] and redis.call('TTL', KEYS[i]) == -1 then
        found[i] = 1
    else
        found[i] = is and 3 or 2
        redis.call('SET', KEYS[i], ARGV[i])
    end
end
return found
"""


class Found(IntEnum):
    """What was under a key before it was made right; the numbers are the script's."""

    NOTHING_WANTED = 0
    RIGHT = 1
    ABSENT = 2
    WRONG = 3


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What the mirror shows of a conversation. `pending_share` is JSON text."""

    id: ConversationId
    ai_enabled: bool
    pending_share: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """What was found of a conversation."""

    ai_control: Found
    pending_share: Found


@dataclass(frozen=True, slots=True)
class Place:
    """A shard's claim to write; a later one of the same shard is greater."""

    shard: int
    epoch: int
    #: Every connection writes under its own: what an older one sent is refused.
    count: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.count}"


async def fetch_places(db: Pool) -> dict[int, int]:
    """Fetch the epoch of each shard that there ever was."""
    rows = await db.fetch(_SQL["fetch_places"])
    return {row["shard"]: row["epoch"] for row in rows}


async def fetch_mirrored(
    db: Pool, conversations: Sequence[ConversationId]
) -> tuple[Mirrored, ...]:
    """Fetch what the mirror must show of these conversations."""
    rows = await db.fetch(_SQL["fetch_mirrored"], conversations)
    return _rows(rows)


async def fetch_mirrored_page(
    db: Pool, after: ConversationId, limit: int
) -> tuple[Mirrored, ...]:
    """Fetch what it must show of the next conversations by id, of all shards."""
    rows = await db.fetch(_SQL["fetch_mirrored_page"], after, limit)
    return _rows(rows)


def _rows(rows: Sequence[asyncpg.Record]) -> tuple[Mirrored, ...]:
    return tuple(
        Mirrored(row["id"], row["ai_enabled"], row["pending_share"]) for row in rows
    )


class MirrorConnection:
    """One connection to Redis; after an error it is closed, never used again."""

    def __init__(self, url: str, timeout: timedelta) -> None:
        self._password = unquote(urlsplit(url).password or "")
        with self._wrapped():
            self._client = Redis.from_url(
                url,
                # No pool and no second try: a connection that comes back by itself
                # would hide that Redis was away, and has forgotten or lost something.
                single_connection_client=True,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=timeout.total_seconds(),
                socket_connect_timeout=timeout.total_seconds(),
                decode_responses=True,
            )
        self._take = self._client.register_script(_TAKE)
        self._write = self._client.register_script(_WRITE)

    async def __aenter__(self) -> Self:
        with self._wrapped():
            await self._client.initialize()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(RedisError, OSError):
            await self._client.aclose()

    async def take(
        self, place: Place, epochs: Mapping[int, int], seen: str
    ) -> str | None:
        """Take the place; return None, or the greater one that is in it.

        Args:
            place: what to take.
            epochs: of all shards, as the database has them.
            seen: the greater place that was returned before, if the database says
                that its holder has no right to it: then it is taken over.
        """
        others = [shard for shard in epochs if shard != place.shard]
        keys = [_place_key(shard) for shard in (place.shard, *others)]
        values = [str(epochs[shard]) for shard in others]
        arguments = [str(place.epoch), str(place.count), seen, *values]
        with self._wrapped():
            held = cast("str", await self._take(keys, arguments))
        return held or None

    async def write(self, place: Place, rows: Sequence[Mirrored]) -> list[Look]:
        """Make the mirror right for these; return what was found. May be none.

        Raises:
            MirrorPlaceLostError: another has the place, or the mirror was emptied;
                nothing was written.
            MirrorUnreachableError: Redis did not do it, as far as we know.
        """
        keys, values = [_place_key(place.shard)], [str(place)]
        for row in rows:
            keys += [f"ai_control_{row.id}", f"pending_share_{row.id}"]
            ai_enabled = "true" if row.ai_enabled else "false"
            values += [f'{{"ai_enabled": {ai_enabled}}}', row.pending_share or ""]
        with self._wrapped():
            is_ours, *found = cast("list[int]", await self._write(keys, values))
        if not is_ours:
            raise MirrorPlaceLostError
        return [
            Look(Found(ai_control), Found(pending_share))
            for ai_control, pending_share in zip(found[::2], found[1::2], strict=True)
        ]

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError, TimeoutError, ValueError) as error:
            raise MirrorUnreachableError(self._reason(error)) from error

    def _reason(self, error: Exception) -> str:
        # An address that is wrong may be quoted, with the half of a password in it.
        reason = type(error).__name__ if isinstance(error, ValueError) else str(error)
        if self._password:
            reason = reason.replace(self._password, "***")
        return reason or type(error).__name__


def _place_key(shard: int) -> str:
    return f"pilito_mirror_{shard}"
