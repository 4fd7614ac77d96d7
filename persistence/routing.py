"""The intents by which a tenant routes its questions, if it has its own."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from persistence.database import Db
from persistence.ids import TenantId
from persistence.queries import load_queries
from retrieval.index.knowledge import SourceType
from retrieval.routing import Intent

_SQL = load_queries("routing")


async def fetch_routing(db: Db, tenant_id: TenantId) -> tuple[Intent, ...] | None:
    """Fetch a tenant's intents, in order; None when it has none of its own."""
    intents = await db.fetchval(_SQL["fetch_routing"], tenant_id)
    return None if intents is None else tuple(_intent(row) for row in intents)


async def replace_routing(
    db: Db, tenant_id: TenantId, intents: Sequence[Intent]
) -> None:
    """Replace all intents of a tenant."""
    rows = [asdict(intent) for intent in intents]
    await db.execute(_SQL["replace_routing"], tenant_id, rows)


async def delete_routing(db: Db, tenant_id: TenantId) -> None:
    """Return a tenant to the default intents."""
    await db.execute(_SQL["delete_routing"], tenant_id)


def _intent(row: Mapping[str, object]) -> Intent:
    return Intent(
        name=str(row["name"]),
        keywords=_texts(row["keywords"]),
        primary_source=SourceType(str(row["primary_source"])),
        secondary_sources=tuple(
            SourceType(source) for source in _texts(row["secondary_sources"])
        ),
        primary_budget=int(str(row["primary_budget"])),
        secondary_budget=int(str(row["secondary_budget"])),
    )


def _texts(values: object) -> tuple[str, ...]:
    return tuple(map(str, values)) if isinstance(values, list) else ()
