"""Past conversations, as dry runs of workflows replay them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from persistence import ids
from persistence.customers import AttributeValue
from persistence.database import Db
from persistence.queries import build_row, load_queries

_SQL = load_queries("workflow_past")
#: Of each conversation, the newest; of each text, the beginning.
MAX_MESSAGES = 200
MAX_CONTENT_CHARS = 1000


@dataclass(frozen=True, slots=True)
class PastConversationRow:
    """A conversation with its customer's card."""

    id: ids.ConversationId
    source: str
    status: str
    customer_id: ids.CustomerId
    platform_id: str
    first_name: str
    last_name: str
    username: str
    tags: tuple[str, ...]
    attributes: Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class PastMessageRow:
    """A message. `is_first` where nothing was written before it."""

    conversation_id: ids.ConversationId
    type: str
    message_type: str
    created_at: datetime
    content: str
    is_first: bool


async def fetch_past_conversations(
    db: Db,
    tenant_id: ids.TenantId,
    *,
    conversation_id: ids.ConversationId | None,
    since: datetime | None,
    limit: int,
) -> tuple[PastConversationRow, ...]:
    """Fetch the conversations in which a customer wrote since then, newest first."""
    rows = await db.fetch(
        _SQL["fetch_past_conversations"], tenant_id, conversation_id, since, limit
    )
    return tuple(build_row(PastConversationRow, row) for row in rows)


async def fetch_past_messages(
    db: Db,
    tenant_id: ids.TenantId,
    conversations: Sequence[ids.ConversationId],
    since: datetime | None,
) -> dict[ids.ConversationId, list[PastMessageRow]]:
    """Fetch the newest messages of each conversation, oldest first."""
    rows = await db.fetch(
        _SQL["fetch_past_messages"],
        tenant_id,
        list(conversations),
        since,
        MAX_MESSAGES,
        MAX_CONTENT_CHARS,
    )
    found: dict[ids.ConversationId, list[PastMessageRow]] = {}
    for row in rows:
        message = build_row(PastMessageRow, row)
        found.setdefault(message.conversation_id, []).append(message)
    return found
