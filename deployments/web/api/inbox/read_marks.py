"""`/api/conversations/{id}/read/`: how far the caller has read."""

from fastapi import APIRouter, Response

from deployments.web.api import auth, schemas
from deployments.web.api.conversations import (
    OwnConversation,
    fetch_own_conversation,
    render_conversation,
)
from deployments.web.api.errors import NotFoundError
from deployments.web.dependencies import Context
from persistence import read_marks

router = APIRouter(tags=["conversations"])


class ReadIn(schemas.RequestBody):
    """The `position` of the newest message that was read."""

    position: schemas.MessagePosition


@router.post("/api/conversations/{conversation_id}/read/")
async def mark_read(
    body: ReadIn,
    conversation: OwnConversation,
    principal: auth.SignedIn,
    context: Context,
) -> schemas.ConversationOut:
    """Mark the messages up to a position as read by the caller; never backwards."""
    is_marked = await read_marks.mark_read(
        context.pool,
        principal.tenant_id,
        principal.user_id,
        conversation.id,
        body.position,
    )
    if not is_marked:
        raise NotFoundError
    return render_conversation(
        await fetch_own_conversation(conversation.id, principal, context)
    )


@router.delete("/api/conversations/{conversation_id}/read/", status_code=204)
async def mark_unread(
    conversation: OwnConversation, principal: auth.SignedIn, context: Context
) -> Response:
    """Let the conversation be unread again, for the caller alone."""
    await read_marks.delete_mark(
        context.pool, principal.tenant_id, principal.user_id, conversation.id
    )
    return Response(status_code=204)
