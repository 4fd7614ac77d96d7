"""Reads what the Redis mirror must show, and writes it by one compare-and-set script.

Others read `ai_control_{id}` and `pending_share_{id}`; we only compare them. The hash
`pilito_mirror` holds the version of each conversation that is shown: a write with an
older version is refused, however long it was on its way. The hash also holds a mark of
each shard, which disappears when Redis is emptied.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from types import TracebackType
from typing import Self, cast
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from persistence.database import Pool
from persistence.errors import MirrorEmptiedError, MirrorUnreachableError
from persistence.ids import ConversationId
from persistence.queries import load_queries

_SQL = load_queries("mirror")
VERSIONS_KEY = "pilito_mirror"

# KEYS: the hash of versions, then two keys per conversation.
# ARGV: field and value of the shard's mark, then per conversation its id, its version,
# the stored version that is known to be wrong, and a value per key, '' for no key.
# Returns whether the mark was there, then per conversation the states of its keys and
# the newer version that is stored, 0 if there is none.
# A time-out on a key would make the mirror wrong by itself, so SET removes it.
_WRITE = """
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local result = {redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] and 1 or 0}
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])

local function put(key, wanted)
    local value = redis.pcall('GET', key)
    if wanted == '' then
        if value then redis.call('DEL', key) end
        return value and 3 or 0
    end
    if value == wanted and redis.call('TTL', key) == -1 then return 1 end
    redis.call('SET', key, wanted)
    return value and 3 or 2
end

for key = 2, #KEYS, 2 do
    local arg = 3 + (key - 2) / 2 * 5
    local id, version = ARGV[arg], ARGV[arg + 1]
    local stored = redis.call('HGET', KEYS[1], id)
    local newer = tonumber(stored or 0) or 0
    if newer > tonumber(version) and stored ~= ARGV[arg + 2] then
        for _, value in ipairs({4, 4, newer}) do table.insert(result, value) end
    else
        if stored ~= version then redis.call('HSET', KEYS[1], id, version) end
        table.insert(result, put(KEYS[key], ARGV[arg + 3]))
        table.insert(result, put(KEYS[key + 1], ARGV[arg + 4]))
        table.insert(result, 0)
    end
end
return result
"""


class KeyState(IntEnum):
    """The state of a key before the write; the numbers are the script's."""

    NOT_WANTED = 0
    RIGHT = 1
    ABSENT = 2
    WRONG = 3
    #: A newer version is stored, and nothing was written.
    NEWER = 4


@dataclass(frozen=True, slots=True)
class MirrorRow:
    """A conversation as the mirror must show it. `pending_share` is JSON text."""

    id: ConversationId
    version: int
    ai_enabled: bool
    pending_share: str | None


@dataclass(frozen=True, slots=True)
class KeyStates:
    """The states of a conversation's two keys before the write."""

    ai_control: KeyState
    pending_share: KeyState
    #: Only with KeyState.NEWER.
    newer_version: int = 0


async def fetch_shard_epoch(db: Pool, shard: int) -> int | None:
    """Fetch the epoch of the process that holds the shard."""
    return cast("int | None", await db.fetchval(_SQL["fetch_shard_epoch"], shard))


async def fetch_mirrored(
    db: Pool, conversations: Sequence[ConversationId]
) -> tuple[MirrorRow, ...]:
    """Fetch what the mirror must show of these conversations."""
    rows = await db.fetch(_SQL["fetch_mirrored"], conversations)
    return tuple(MirrorRow(**row) for row in rows)


async def fetch_mirrored_page(
    db: Pool, after: ConversationId, limit: int
) -> tuple[MirrorRow, ...]:
    """Fetch what it must show of the next conversations by id, of all shards."""
    rows = await db.fetch(_SQL["fetch_mirrored_page"], after, limit)
    return tuple(MirrorRow(**row) for row in rows)


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

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(RedisError, OSError):
            await self._client.aclose()

    async def write(
        self,
        shard: int,
        epoch: int,
        rows: Sequence[MirrorRow],
        disproved: Mapping[ConversationId, int] | None = None,
    ) -> list[KeyStates]:
        """Make the mirror right for these rows, unless it shows newer ones.

        Returns the states of their keys before.

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
        return [
            KeyStates(KeyState(ai_control), KeyState(pending_share), newer_version)
            for ai_control, pending_share, newer_version in zip(
                numbers[::3], numbers[1::3], numbers[2::3], strict=True
            )
        ]

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
