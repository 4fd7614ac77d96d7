"""Services that nobody has to enter: our own parts, and the channels' platforms."""

from collections.abc import Mapping

from persistence.channels import ChannelKind
from persistence.database import Connection, Db
from persistence.ids import ChannelId
from persistence.queries import load_queries

_SQL = load_queries("self_link")
#: Parts of `/readyz` that a tenant's administrator is told of.
PARTS = ("database", "shards", "retriever", "responder", "reranker", "redis")
#: A platform that says no is there.
ANSWERS = (200, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 429)


async def ensure_self_services(
    db: Connection, own_url: str, platforms: Mapping[ChannelKind, str] | None = None
) -> None:
    """Make the services that are missing, inside the caller's transaction."""
    found = dict(platforms or {})
    await db.execute(
        _SQL["ensure_platform_services"],
        list(found),
        list(found.values()),
        list(ANSWERS),
    )
    if own_url:
        await db.execute(_SQL["ensure_runtime_services"], own_url, list(PARTS))
    await db.execute(_SQL["ensure_states"])


async def is_platform_away(db: Db, channel_id: ChannelId) -> bool:
    """Say whether the channel's platform could not be reached a short while ago."""
    return bool(await db.fetchval(_SQL["is_platform_away"], channel_id))
