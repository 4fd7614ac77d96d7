"""`/api/outbox/`: messages that have not reached their platform, and retries."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request

from actors.conversation.events import SendRetried
from deployments.web.api import auth, errors, messages, schemas
from deployments.web.api.conversations import derive_request_id
from deployments.web.dependencies import Context
from persistence import ids, outbox
from persistence.database import Db
from persistence.paging import Found

router = APIRouter(prefix="/api/outbox", tags=["outbox"])


class Unsent(StrEnum):
    """The delivery state of a part that is not known to have arrived."""

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    FAILED = "failed"


class LetterOut(schemas.Answer):
    """A message, with the number of its `parts` in this state of `delivery`.

    `content` is its beginning; the conversation's messages have it whole.
    """

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
    principal: auth.SignedIn,
    context: Context,
    paging: schemas.Paging,
    delivery: Unsent = Unsent.FAILED,
    channel_id: Annotated[UUID | None, schemas.LeftEmpty] = None,
) -> schemas.Page[LetterOut]:
    """List dead letters, or messages on their way; last changed first."""
    wanted = outbox.OutboxFilter(
        delivery, None if channel_id is None else ids.ChannelId(channel_id)
    )
    tenant_id, window = principal.tenant_id, paging.window()

    async def fetch(db: Db) -> Found[outbox.OutboxMessage]:
        return await outbox.fetch_outbox_page(db, tenant_id, wanted, window)

    # Parts are grouped into messages: after a long pause thousands of them.
    found = await context.searches.run(tenant_id, fetch)
    return paging.build_found(found, map(LetterOut.model_validate, found.rows))


@router.post("/{message_id}/retry/")
async def retry_letter(
    message_id: UUID,
    request: Request,
    principal: auth.SignedIn,
    context: Context,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> schemas.MessageOut:
    """Send a dead letter again, without the parts that have arrived."""
    its_id = ids.MessageId(message_id)
    conversation_id = errors.require(
        await outbox.fetch_outbox_conversation(
            context.pool, principal.tenant_id, its_id
        )
    )
    await context.shards.submit(
        SendRetried(
            id=derive_request_id(request, conversation_id, idempotency_key),
            conversation_id=conversation_id,
            at=context.clock.now(),
            user_id=principal.user_id,
            message_id=its_id,
        )
    )
    message = await messages.fetch_message(context, principal, its_id)
    return schemas.MessageOut.model_validate(message)
