"""Messages of a conversation: the list, operators' answers, feedback on the AI's."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter
from pydantic import StringConstraints

from actors.conversation import events, state
from actors.conversation.errors import NewerMessagesError
from deployments.web.api import auth, conversations, errors, schemas
from deployments.web.dependencies import Context, WebDependencies
from persistence import ids, messages, proofs

router = APIRouter(tags=["conversations"])

_WRITERS = {
    state.Author.CUSTOMER: "the customer",
    state.Author.SUPPORT: "a colleague",
    state.Author.MARKETING: "a workflow",
}

#: A long letter; platforms with lower limits get it in several parts.
MAX_CONTENT_CHARS = 10_000
MAX_COMMENT_CHARS = 2000
#: Newer messages that a refusal shows; whoever missed more reads the list.
MAX_NEWER = 50


class AnswerIn(schemas.RequestBody):
    """An operator's answer.

    `seen_position` is that of the newest message that was shown when it was written.
    Without it the answer is sent whatever has come since.
    """

    content: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_CONTENT_CHARS),
        schemas.NoNul,
        schemas.NotBlank,
    ]
    seen_position: schemas.MessagePosition | None = None


class FeedbackIn(schemas.RequestBody):
    """An operator's rating of an answer; `none` withdraws it."""

    feedback: state.Feedback
    comment: Annotated[
        str, StringConstraints(max_length=MAX_COMMENT_CHARS), schemas.NoNul
    ] = ""


@router.get("/api/conversations/{conversation_id}/messages/")
async def list_messages(
    conversation: conversations.OwnConversation,
    principal: auth.SignedIn,
    context: Context,
    paging: schemas.Paging,
) -> schemas.Page[schemas.MessageOut]:
    """List a conversation's messages, oldest first."""
    window = paging.window(schemas.NUMBERS_KEY)
    found = await messages.fetch_messages_page(
        context.pool, principal.tenant_id, conversation.id, window
    )
    shown = map(schemas.MessageOut.model_validate, found.rows)
    return paging.build_found(found, shown)


@router.post("/api/conversations/{conversation_id}/messages/", status_code=201)
async def answer_conversation(
    body: AnswerIn,
    conversation: conversations.OwnConversation,
    event_id: conversations.NewEventId,
    principal: auth.SignedIn,
    context: Context,
) -> schemas.MessageOut:
    """Answer the customer; the AI is silent until the conversation returns to it.

    With a `seen_position` nothing is sent past a message of somebody else that stands
    behind it: the answer is 409 with the `code` `newer_messages` and the `newer`
    messages.
    """
    event = events.OperatorAnswered(
        id=event_id,
        conversation_id=conversation.id,
        at=context.clock.now(),
        user_id=principal.user_id,
        text=body.content,
        seen_position=body.seen_position,
    )
    try:
        await context.shards.submit(event)
    except NewerMessagesError as error:
        newer = await messages.fetch_newer_messages(
            context.pool,
            principal.tenant_id,
            conversation.id,
            body.seen_position or 0,
            MAX_NEWER,
        )
        shown = tuple(map(schemas.MessageOut.model_validate, newer))
        raise errors.AnswerOvertakenError(str(error), shown) from error
    message = await fetch_message(context, principal, events.message_id_of(event))
    return schemas.MessageOut.model_validate(message)


@router.post("/api/messages/{message_id}/feedback/")
async def rate_message(
    message_id: UUID, body: FeedbackIn, principal: auth.SignedIn, context: Context
) -> schemas.MessageOut:
    """Rate an answer of the AI."""
    message = await fetch_message(context, principal, ids.MessageId(message_id))
    if message.type != state.Author.AI:
        text = (
            "feedback: only answers of the AI are rated;"
            f" this message was written by {_WRITERS[state.Author(message.type)]}"
        )
        raise errors.InvalidValueError(text)
    await context.shards.submit(
        events.FeedbackGiven(
            id=ids.EventId(uuid4()),
            conversation_id=message.conversation_id,
            at=context.clock.now(),
            user_id=principal.user_id,
            message_id=message.id,
            feedback=body.feedback,
            comment=body.comment,
        )
    )
    message = await fetch_message(context, principal, message.id)
    return schemas.MessageOut.model_validate(message)


@router.get("/api/messages/{message_id}/proof/")
async def get_proof(
    message_id: UUID, principal: auth.SignedIn, context: Context
) -> schemas.ProofOut:
    """Show what an answer of the AI rests on, the prompt included."""
    message = await fetch_message(context, principal, ids.MessageId(message_id))
    found = await proofs.fetch_proof(context.pool, principal.tenant_id, message.id)
    if found is None:
        return schemas.ProofOut(message_id=message.id, is_erased=False)
    return schemas.ProofOut.model_validate(
        {**found.proof, "message_id": message.id, "is_erased": found.is_erased}
    )


async def fetch_message(
    context: WebDependencies, principal: auth.Principal, message_id: ids.MessageId
) -> messages.StoredMessage:
    """Return a message of the caller's tenant. Raises NotFoundError."""
    return errors.require(
        await messages.fetch_message(context.pool, principal.tenant_id, message_id)
    )
