"""Reads messages for operators, visitors and the answering side."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import cast

from persistence.database import Db
from persistence.ids import ChannelId, ConversationId, MessageId, TenantId
from persistence.paging import Found, Window, fetch_window
from persistence.queries import build_row, load_queries

_SQL = load_queries("messages")


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message; `seq` grows within its conversation."""

    id: MessageId
    tenant_id: TenantId
    conversation_id: ConversationId
    seq: int
    #: The position in the conversation; `seq` is the order of storing.
    position: int
    type: str
    message_type: str
    content: str
    combined_content: str | None
    processing_status: str
    platform_id: str | None
    delivery: str | None
    metadata: dict[str, object]
    feedback: str
    feedback_comment: str
    created_at: datetime

    @property
    def is_ai_response(self) -> bool:
        """Whether the AI wrote it."""
        return self.type == "AI"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message as the visitor of a website reads it."""

    id: MessageId
    conversation_id: ConversationId
    seq: int
    type: str
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of a conversation.

    `referred` is what a customer's message brought of what it refers to. The rest tells
    of the AI's answers: `question` is the question as it was searched, `subject` names
    the thing that it was about, `subject_chunk_id` the passage that told of it.
    """

    type: str
    content: str
    created_at: datetime | None = None
    referred: str = ""
    question: str = ""
    subject: str = ""
    subject_chunk_id: str = ""
    asked_back: bool = False
    is_sourced: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One of the customer's messages, without what it was combined with."""

    message_type: str
    content: str
    created_at: datetime
    #: The words that it refers to: what it brought, or the stored message that it
    #: answers; empty if there are none.
    referred: str = ""


async def fetch_messages_page(
    db: Db, tenant_id: TenantId, conversation_id: ConversationId, window: Window
) -> Found[StoredMessage]:
    """Fetch a page, oldest first."""
    return await fetch_window(
        db,
        (_SQL["fetch_messages_page"], _SQL["count_messages"]),
        (tenant_id, conversation_id),
        window,
        ("position", "seq"),
        partial(build_row, StoredMessage),
    )


async def fetch_messages(
    db: Db, tenant_id: TenantId, ids: Collection[MessageId]
) -> tuple[StoredMessage, ...]:
    """Fetch those of these messages that are this tenant's."""
    rows = await db.fetch(_SQL["fetch_messages"], tenant_id, list(ids))
    return tuple(build_row(StoredMessage, row) for row in rows)


async def fetch_message(
    db: Db, tenant_id: TenantId, message_id: MessageId
) -> StoredMessage | None:
    """Fetch one message; None if it is not this tenant's."""
    rows = await fetch_messages(db, tenant_id, [message_id])
    return rows[0] if rows else None


async def fetch_newer_messages(
    db: Db,
    tenant_id: TenantId,
    conversation_id: ConversationId,
    position: int,
    limit: int,
) -> tuple[StoredMessage, ...]:
    """Fetch the messages behind a position, the newest `limit`, oldest first."""
    rows = await db.fetch(
        _SQL["fetch_newer_messages"], tenant_id, conversation_id, position, limit
    )
    return tuple(build_row(StoredMessage, row) for row in rows)


async def fetch_latest_messages(
    db: Db, conversation_id: ConversationId, limit: int
) -> tuple[StoredMessage, ...]:
    """Fetch the end of a conversation, oldest first."""
    rows = await db.fetch(_SQL["fetch_latest_messages"], conversation_id, limit)
    return tuple(build_row(StoredMessage, row) for row in rows)


async def fetch_questions(
    db: Db,
    tenant_id: TenantId,
    conversation_id: ConversationId,
    ids: Sequence[MessageId],
) -> tuple[Question, ...]:
    """Fetch the questions of one answer, in the customer's own words, oldest first."""
    rows = await db.fetch(_SQL["fetch_questions"], tenant_id, conversation_id, ids)
    return tuple(build_row(Question, row) for row in rows)


async def count_same_echoes(
    db: Db,
    tenant_id: TenantId,
    channel_id: ChannelId,
    without: ConversationId,
    text: str,
    since: datetime,
) -> int:
    """Count the channel's other conversations in which the owner's account said this.

    `text` is compared letter by letter.
    """
    return cast(
        "int",
        await db.fetchval(
            _SQL["count_same_echoes"], tenant_id, channel_id, without, text, since
        ),
    )


async def fetch_recent_turns(
    db: Db,
    tenant_id: TenantId,
    conversation_id: ConversationId,
    without: Sequence[MessageId],
    limit: int,
) -> tuple[Turn, ...]:
    """Fetch the latest messages without the questions, oldest first."""
    rows = await db.fetch(
        _SQL["fetch_recent_turns"], tenant_id, conversation_id, without, limit
    )
    return tuple(build_row(Turn, row) for row in reversed(rows))


async def fetch_chat_news(
    db: Db, cursors: Mapping[ConversationId, int], limit: int
) -> tuple[ChatMessage, ...]:
    """Fetch what came after each cursor, oldest first, `limit` per conversation."""
    rows = await db.fetch(
        _SQL["fetch_chat_news"], list(cursors), list(cursors.values()), limit
    )
    return tuple(build_row(ChatMessage, row) for row in rows)


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
