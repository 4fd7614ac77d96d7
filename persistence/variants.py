"""The variant of retrieval that a roll-out gave a conversation at its beginning."""

from typing import cast

from persistence.database import Db
from persistence.ids import ConversationId, TenantId
from persistence.queries import load_queries

_SQL = load_queries("variants")


async def keep_variant(
    db: Db, tenant_id: TenantId, conversation_id: ConversationId, variant: str
) -> str | None:
    """Keep the variant if there is none yet; return the one that is kept.

    None when the tenant has no such conversation.
    """
    kept = await db.fetchval(_SQL["keep_variant"], tenant_id, conversation_id, variant)
    return cast("str | None", kept)
