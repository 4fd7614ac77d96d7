"""Reads what the Redis mirror must show, and writes it by one compare-and-set script.

Others read `ai_control_{id}` and `pending_share_{id}`; we only compare them. The hash
`pilito_mirror` holds the version of each conversation that is shown: a write with an
older version is refused, however long it was on its way. The hash also holds a mark of
each shard, which disappears when Redis is emptied.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Self, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from persistence.database import Pool
from persistence.errors import MirrorEmptiedError, MirrorUnreachableError
from persistence.ids import ConversationId
from persistence.queries import build_row, load_queries

_SQL = load_queries("mirror")
VERSIONS_KEY = "pilito_mirror"
#: Of one step of a scan; each is looked for in the database.
SCAN_FIELDS = 250

# KEYS: the hash of versions, then two keys per conversation.
# ARGV: field and value of the shard's mark, then per conversation its id, its version,
# the stored version that is known to be wrong, and a value per key, '' for no key.
# Returns whether the mark was there, then a number per conversation: the state of its
# first key before the write, or the newer version that is stored, below zero.
# A time-out on a key would make the mirror wrong by itself, so SET removes it.
_WRITE = """
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local result = {redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] and 1 or 0}
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])

local function put(key, wanted)
    local value = redis.pcall('GET', key)
    if wanted == '' then
        redis.call('DEL', key)
    elseif value ~= wanted or redis.call('TTL', key) ~= -1 then
        redis.call('SET', key, wanted)
        return value and 3 or 2
    end
    return 1
end

for key = 2, #KEYS, 2 do
    local arg = 3 + (key - 2) / 2 * 5
    local id, version = ARGV[arg], ARGV[arg + 1]
    local stored = redis.call('HGET', KEYS[1], id)
    local newer = tonumber(stored or 0) or 0
    if newer > tonumber(version) and stored ~= ARGV[arg + 2] then
        table.insert(result, -newer)
    else
        if stored ~= version then redis.call('HSET', KEYS[1], id, version) end
        table.insert(result, put(KEYS[key], ARGV[arg + 3]))
        put(KEYS[key + 1], ARGV[arg + 4])
    end
end
return result
"""


class KeyState(IntEnum):
    """The state of a conversation's `ai_control` key before a write."""

    #: A newer version is stored, and nothing was written.
    NEWER = 0
    RIGHT = 1
    ABSENT = 2
    WRONG = 3


@dataclass(frozen=True, slots=True)
class MirrorRow:
    """A conversation as the mirror must show it. `pending_share` is JSON text."""

    id: ConversationId
    version: int
    ai_enabled: bool
    pending_share: str | None


async def fetch_shard_epoch(db: Pool, shard: int) -> int | None:
    """Fetch the epoch of the process that holds the shard."""
    return cast("int | None", await db.fetchval(_SQL["fetch_shard_epoch"], shard))


async def fetch_mirrored(
    db: Pool, conversations: Sequence[ConversationId]
) -> tuple[MirrorRow, ...]:
    """Fetch what the mirror must show of these conversations."""
    rows = await db.fetch(_SQL["fetch_mirrored"], conversations)
    return tuple(build_row(MirrorRow, row) for row in rows)


async def fetch_mirrored_page(
    db: Pool, after: ConversationId, limit: int
) -> tuple[MirrorRow, ...]:
    """Fetch what it must show of the next conversations by id, of all shards."""
    rows = await db.fetch(_SQL["fetch_mirrored_page"], after, limit)
    return tuple(build_row(MirrorRow, row) for row in rows)


class MirrorConnection:
    """One connection to Redis; after an error it is closed, never used again."""

    def __init__(self, url: str, timeout: timedelta) -> None:
        self._password = unquote(urlsplit(url).password or "")
        with self._wrapped():
            self._client = Redis.from_url(
                url,
                # No pool and no retry: a connection that comes back by itself would
                # hide that Redis was away, and may have lost something.
                single_connection_client=True,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=timeout.total_seconds(),
                socket_connect_timeout=timeout.total_seconds(),
                decode_responses=True,
            )
        self._write = self._client.register_script(_WRITE)

    async def __aenter__(self) -> Self:
        with self._wrapped():
            await self._client.initialize()
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(RedisError, OSError):
            await self._client.aclose()

    async def write(
        self,
        shard: int,
        epoch: int,
        rows: Sequence[MirrorRow],
        disproved: Mapping[ConversationId, int] | None = None,
    ) -> tuple[dict[ConversationId, KeyState], dict[ConversationId, int]]:
        """Make the mirror right for these rows, unless it shows newer ones.

        Returns the states before, and the newer versions that are stored.

        Args:
            shard: whose mark is set.
            epoch: the value of the mark.
            rows: what to show; may be empty.
            disproved: stored versions that no row of the database has: leftovers of
                another database, which are overwritten.

        Raises:
            MirrorEmptiedError: the rows were written, but the mark was gone, and other
                keys may be gone as well. The mark is set again.
            MirrorUnreachableError: Redis did not write, as far as we know.
        """
        keys, arguments = [VERSIONS_KEY], [f"shard-{shard}", str(epoch)]
        for row in rows:
            keys += [f"ai_control_{row.id}", f"pending_share_{row.id}"]
            ai_enabled = "true" if row.ai_enabled else "false"
            arguments += [
                str(row.id),
                str(row.version),
                str((disproved or {}).get(row.id, "")),
                f'{{"ai_enabled": {ai_enabled}}}',
                row.pending_share or "",
            ]
        with self._wrapped():
            is_marked, *numbers = cast("list[int]", await self._write(keys, arguments))
        if not is_marked:
            raise MirrorEmptiedError
        results = {row.id: n for row, n in zip(rows, numbers, strict=True)}
        states = {key: KeyState(max(n, 0)) for key, n in results.items()}
        return states, {key: -n for key, n in results.items() if n < 0}

    async def forget(self, conversations: Collection[ConversationId]) -> None:
        """Remove all keys of conversations that the database does not have.

        Raises:
            MirrorUnreachableError: Redis did not remove them, as far as we know.
        """
        if not conversations:
            return
        keys = [
            f"{name}_{conversation}"
            for conversation in conversations
            for name in ("ai_control", "pending_share")
        ]
        with self._wrapped():
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.delete(*keys)
                pipeline.hdel(VERSIONS_KEY, *map(str, conversations))
                await pipeline.execute()

    async def scan(self, cursor: int) -> tuple[int, tuple[ConversationId, ...]]:
        """Return the next cursor, 0 at the end, and some conversations shown here.

        Raises:
            MirrorUnreachableError: Redis did not answer.
        """
        with self._wrapped():
            cursor, found = await self._client.hscan(
                VERSIONS_KEY, cursor, count=SCAN_FIELDS
            )
        shown = []
        for name in found:
            # The marks of shards are fields as well.
            with suppress(ValueError):
                shown.append(ConversationId(UUID(str(name))))
        return cursor, tuple(shown)

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError, TimeoutError, ValueError) as error:
            raise MirrorUnreachableError(self._reason(error)) from error

    def _reason(self, error: Exception) -> str:
        # A wrong address may be quoted, with half of the password in it.
        reason = type(error).__name__ if isinstance(error, ValueError) else str(error)
        if self._password:
            reason = reason.replace(self._password, "***")
        return reason or type(error).__name__
