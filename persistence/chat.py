"""Reads conversations for the visitors of a website."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from persistence.database import Db
from persistence.ids import ConversationId, MessageId
from persistence.queries import load_queries

_SQL = load_queries("chat")


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message without the fields for operators."""

    id: MessageId
    conversation_id: ConversationId
    seq: int
    type: str
    content: str
    created_at: datetime


async def fetch_chat_news(
    db: Db, cursors: Mapping[ConversationId, int], limit: int
) -> tuple[ChatMessage, ...]:
    """Fetch what came after each cursor, oldest first, `limit` per conversation."""
    rows = await db.fetch(
        _SQL["fetch_chat_news"], list(cursors), list(cursors.values()), limit
    )
    return tuple(
        ChatMessage(
            id=MessageId(row["id"]),
            conversation_id=ConversationId(row["conversation_id"]),
            seq=row["seq"],
            type=row["type"],
            content=row["content"],
            created_at=row["created_at"],
        )
        for row in rows
    )


async def fetch_chat_writing(
    db: Db, ids: Collection[ConversationId]
) -> frozenset[ConversationId]:
    """Fetch in which of these conversations the AI is writing."""
    rows = await db.fetch(_SQL["fetch_chat_writing"], list(ids))
    return frozenset(ConversationId(row["id"]) for row in rows)


async def fetch_chat_start(db: Db, conversation_id: ConversationId, newest: int) -> int:
    """Fetch the cursor that leaves the `newest` messages; 0 if there are fewer."""
    seq = await db.fetchval(_SQL["fetch_chat_start"], conversation_id, newest)
    return seq if isinstance(seq, int) else 0
