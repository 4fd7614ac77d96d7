"""Stores how far each operator has read each conversation."""

from persistence.database import Db
from persistence.ids import ConversationId, TenantId, UserId
from persistence.queries import load_queries

_SQL = load_queries("read_marks")


async def mark_read(
    db: Db,
    tenant_id: TenantId,
    user_id: UserId,
    conversation_id: ConversationId,
    position: int,
) -> bool:
    """Move the mark up to a position; False if the tenant has no such conversation.

    It never moves back, nor beyond the newest message.
    """
    marked = await db.fetchval(
        _SQL["mark_read"], tenant_id, user_id, conversation_id, position
    )
    return marked is not None


async def delete_mark(
    db: Db, tenant_id: TenantId, user_id: UserId, conversation_id: ConversationId
) -> None:
    """Remove the mark: for this person nothing of the conversation is read."""
    await db.execute(_SQL["delete_mark"], tenant_id, user_id, conversation_id)
