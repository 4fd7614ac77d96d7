"""`/api/outbox/`: messages that have not reached their platform, and retries."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request

from actors.conversation.events import SendRetried
from deployments.web.api.auth import SignedIn
from deployments.web.api.conversations import derive_request_id
from deployments.web.api.errors import NotFoundError
from deployments.web.api.messages import render_message
from deployments.web.api.schemas import Answer, LeftEmpty, MessageOut, Page, Paging
from deployments.web.dependencies import Context
from persistence import messages, outbox
from persistence.ids import ChannelId, MessageId
from persistence.outbox import OutboxFilter

router = APIRouter(prefix="/api/outbox", tags=["outbox"])


class Unsent(StrEnum):
    """The delivery state of a part that is not known to have arrived."""

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    FAILED = "failed"


class LetterOut(Answer):
    """A message, with the number of its `parts` in this state of `delivery`."""

    message_id: UUID
    conversation_id: UUID
    channel_id: UUID
    source: str
    type: str
    content: str
    delivery: Unsent
    parts: int
    attempts: int
    error: str
    can_retry: bool
    created_at: datetime
    updated_at: datetime


@router.get("/")
async def list_outbox(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    delivery: Unsent = Unsent.FAILED,
    channel_id: Annotated[UUID | None, LeftEmpty] = None,
) -> Page[LetterOut]:
    """List dead letters, or messages on their way; last changed first."""
    wanted = OutboxFilter(
        delivery, None if channel_id is None else ChannelId(channel_id)
    )
    count, rows = await outbox.fetch_outbox_page(
        context.pool, principal.tenant_id, wanted, paging.limit, paging.offset
    )
    return paging.build(
        count,
        (
            LetterOut(
                message_id=row.message_id,
                conversation_id=row.conversation_id,
                channel_id=row.channel_id,
                source=row.source,
                type=row.type,
                content=row.content,
                delivery=delivery,
                parts=row.parts,
                attempts=row.attempts,
                error=row.error,
                can_retry=row.can_retry,
                created_at=row.created_at,
                updated_at=row.updated_at,
            )
            for row in rows
        ),
    )


@router.post("/{message_id}/retry/")
async def retry_letter(
    message_id: UUID,
    request: Request,
    principal: SignedIn,
    context: Context,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> MessageOut:
    """Send a dead letter again, without the parts that have arrived."""
    its_id = MessageId(message_id)
    conversation_id = await outbox.fetch_outbox_conversation(
        context.pool, principal.tenant_id, its_id
    )
    if conversation_id is None:
        raise NotFoundError
    await context.shards.submit(
        SendRetried(
            id=derive_request_id(request, conversation_id, idempotency_key),
            conversation_id=conversation_id,
            at=context.clock.now(),
            user_id=principal.user_id,
            message_id=its_id,
        )
    )
    message = await messages.fetch_message(context.pool, principal.tenant_id, its_id)
    if message is None:
        raise NotFoundError
    return render_message(message)
