"""`/api/conversations/{id}/messages/`: what was said, and the operator's answer."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import StringConstraints

from actors.conversation.events import OperatorAnswered, message_id_of
from deployments.api.auth import SignedIn
from deployments.api.context import Context
from deployments.api.conversations import NewEventId, OwnConversation
from deployments.api.errors import NotFoundError
from deployments.api.pagination import Page, Paging
from deployments.api.schemas import MessageOut, NoNul, NotBlank, RequestBody
from persistence import messages
from persistence.messages import StoredMessage

router = APIRouter(tags=["conversations"])

#: A long letter; a platform's own limit only decides into how many parts it is cut.
MAX_CONTENT_CHARS = 10_000


class AnswerIn(RequestBody):
    """What the operator writes."""

    content: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_CONTENT_CHARS),
        NoNul,
        NotBlank,
    ]


@router.get("/api/conversations/{conversation_id}/messages/")
async def list_messages(
    conversation: OwnConversation, principal: SignedIn, context: Context, paging: Paging
) -> Page[MessageOut]:
    """List a conversation's messages, oldest first."""
    count, rows = await messages.fetch_messages_page(
        context.pool, principal.tenant_id, conversation.id, paging.limit, paging.offset
    )
    return paging.build(count, (render_message(row) for row in rows))


@router.post("/api/conversations/{conversation_id}/messages/", status_code=201)
async def answer_conversation(
    body: AnswerIn,
    conversation: OwnConversation,
    event_id: NewEventId,
    principal: SignedIn,
    context: Context,
) -> MessageOut:
    """Answer the customer; the AI stays silent until it is redirected to again."""
    event = OperatorAnswered(
        id=event_id,
        conversation_id=conversation.id,
        at=context.services.clock.now(),
        user_id=principal.user_id,
        text=body.content,
    )
    await context.services.shards.submit(event)
    message = await messages.fetch_message(
        context.pool, principal.tenant_id, message_id_of(event)
    )
    if message is None:
        raise NotFoundError
    return render_message(message)


def render_message(row: StoredMessage) -> MessageOut:
    """Render a message as the API and the live feed show it."""
    return MessageOut(
        id=row.id,
        type=row.type,
        message_type=row.message_type,
        content=row.content,
        combined_content=row.combined_content,
        processing_status=row.processing_status,
        is_ai_response=row.type == "AI",
        platform_id=row.platform_id,
        delivery=row.delivery,
        metadata=row.metadata,
        feedback=row.feedback,
        feedback_comment=row.feedback_comment,
        created_at=row.created_at,
    )
