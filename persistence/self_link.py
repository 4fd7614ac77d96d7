"""Services that the runtime creates: its own parts, and the channels' platforms."""

from collections.abc import Mapping, Sequence

from persistence.channels import ChannelKind
from persistence.database import Connection, Db
from persistence.ids import ChannelId
from persistence.queries import load_queries

_SQL = load_queries("self_link")
#: Any of these answers proves that a platform is up.
PLATFORM_ANSWERS = [200, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 429]
#: The runtime's own health, and the answers that carry it.
READY_PATH = "/readyz"
READY_ANSWERS = [200, 503]


async def ensure_self_services(
    db: Connection,
    own_url: str,
    parts: Sequence[str],
    platforms: Mapping[ChannelKind, str],
) -> None:
    """Create missing services, inside the caller's transaction.

    Args:
        db: in a transaction.
        own_url: the runtime's API; empty for none of its own parts.
        parts: names of parts in the answer of `/readyz`.
        platforms: the address of each platform's API.
    """
    await db.execute(
        _SQL["ensure_platform_services"],
        list(platforms),
        list(platforms.values()),
        PLATFORM_ANSWERS,
    )
    if own_url:
        await db.execute(
            _SQL["ensure_runtime_services"],
            own_url,
            READY_PATH,
            READY_ANSWERS,
            [f"Pilito: {part}" for part in parts],
            [
                {"path": f"$.{part}.status", "test": "not_equal", "value": "down"}
                for part in parts
            ],
        )
    await db.execute(_SQL["ensure_states"])


async def is_platform_away(db: Db, channel_id: ChannelId) -> bool:
    """True if the channel's platform was unreachable at a recent check."""
    return bool(await db.fetchval(_SQL["is_platform_away"], channel_id))
