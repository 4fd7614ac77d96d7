"""`/api/conversations/{id}/events/`: what happened to a conversation, and when."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from deployments.web.api.auth import SignedIn
from deployments.web.api.context import Context
from deployments.web.api.conversations import OwnConversation
from deployments.web.api.pagination import Page, Paging
from deployments.web.api.schemas import Answer
from persistence import history

router = APIRouter(tags=["conversations"])


class EventOut(Answer):
    """One event; `version` counts them, and `payload` is what the rules were given."""

    id: UUID
    version: int
    kind: str
    at: datetime
    payload: dict[str, object]


@router.get("/api/conversations/{conversation_id}/events/")
async def list_events(
    conversation: OwnConversation, principal: SignedIn, context: Context, paging: Paging
) -> Page[EventOut]:
    """List what happened to a conversation, oldest first."""
    count, rows = await history.fetch_events_page(
        context.pool, principal.tenant_id, conversation.id, paging.limit, paging.offset
    )
    return paging.build(count, (EventOut.model_validate(row) for row in rows))
