"""Messages of a conversation: the list, operators' answers, feedback on the AI's."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter
from pydantic import StringConstraints

from actors.conversation.events import (
    FeedbackGiven,
    OperatorAnswered,
    message_id_of,
)
from actors.conversation.state import Author, Feedback
from deployments.web.api.auth import Principal, SignedIn
from deployments.web.api.conversations import NewEventId, OwnConversation
from deployments.web.api.errors import InvalidValueError, NotFoundError
from deployments.web.api.schemas import (
    MessageOut,
    NoNul,
    NotBlank,
    Page,
    Paging,
    RequestBody,
)
from deployments.web.dependencies import Context, WebDependencies
from persistence import messages
from persistence.ids import EventId, MessageId
from persistence.messages import StoredMessage

router = APIRouter(tags=["conversations"])

_WRITERS = {
    Author.CUSTOMER: "the customer",
    Author.SUPPORT: "a colleague",
    Author.MARKETING: "a workflow",
}

#: A long letter; platforms with lower limits get it in several parts.
MAX_CONTENT_CHARS = 10_000
MAX_COMMENT_CHARS = 2000


class AnswerIn(RequestBody):
    """An operator's answer."""

    content: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_CONTENT_CHARS),
        NoNul,
        NotBlank,
    ]


class FeedbackIn(RequestBody):
    """An operator's rating of an answer; `none` withdraws it."""

    feedback: Feedback
    comment: Annotated[str, StringConstraints(max_length=MAX_COMMENT_CHARS), NoNul] = ""


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
    """Answer the customer; the AI is silent until the conversation returns to it."""
    event = OperatorAnswered(
        id=event_id,
        conversation_id=conversation.id,
        at=context.clock.now(),
        user_id=principal.user_id,
        text=body.content,
    )
    await context.shards.submit(event)
    stored = await _fetch_message(context, principal, message_id_of(event))
    return render_message(stored)


@router.post("/api/messages/{message_id}/feedback/")
async def rate_message(
    message_id: UUID, body: FeedbackIn, principal: SignedIn, context: Context
) -> MessageOut:
    """Rate an answer of the AI."""
    message = await _fetch_message(context, principal, MessageId(message_id))
    if message.type != Author.AI:
        text = (
            "feedback: only answers of the AI are rated;"
            f" this message was written by {_WRITERS[Author(message.type)]}"
        )
        raise InvalidValueError(text)
    await context.shards.submit(
        FeedbackGiven(
            id=EventId(uuid4()),
            conversation_id=message.conversation_id,
            at=context.clock.now(),
            user_id=principal.user_id,
            message_id=message.id,
            feedback=body.feedback,
            comment=body.comment,
        )
    )
    return render_message(await _fetch_message(context, principal, message.id))


async def _fetch_message(
    context: WebDependencies, principal: Principal, message_id: MessageId
) -> StoredMessage:
    message = await messages.fetch_message(
        context.pool, principal.tenant_id, message_id
    )
    if message is None:
        raise NotFoundError
    return message


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
        position=row.position,
        feedback=row.feedback,
        feedback_comment=row.feedback_comment,
        created_at=row.created_at,
    )
