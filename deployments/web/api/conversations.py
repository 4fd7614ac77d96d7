"""`/api/conversations/`: the inbox, its conversations' events and handovers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Header, Request
from pydantic import StrictBool

from actors.conversation.events import AiSwitched, ConversationRedirected, StatusSet
from actors.conversation.rules.reply_window import reply_window
from actors.conversation.state import Destination, Source, Status
from deployments.web.api import schemas
from deployments.web.api.auth import Principal, SignedIn
from deployments.web.api.errors import NotFoundError
from deployments.web.dependencies import Context, WebDependencies
from persistence import conversations, history
from persistence.conversations import ConversationFilter, ConversationSummary
from persistence.ids import ConversationId, EventId, derive_event_id

router = APIRouter(tags=["conversations"])

#: The label of each destination.
LABELS = {
    Destination.AI: "AI Assistant",
    Destination.SUPPORT: "Support",
    Destination.SALES: "Sales",
    Destination.TECHNICAL: "Technical",
    Destination.BILLING: "Billing",
    Destination.GENERAL: "General",
}


class RedirectIn(schemas.RequestBody):
    """The new owner of a conversation."""

    destination: Destination


class StatusIn(schemas.RequestBody):
    """The status to set."""

    status: Status


class AiIn(schemas.RequestBody):
    """Whether the AI answers."""

    ai_enabled: StrictBool


class DestinationOut(schemas.Answer):
    """A destination as a choice in a form."""

    value: Destination
    label: str


class EventOut(schemas.Answer):
    """An event of a conversation; `version` counts them."""

    id: UUID
    version: int
    kind: str
    at: datetime
    payload: dict[str, object]


async def fetch_own_conversation(
    conversation_id: UUID, principal: SignedIn, context: Context
) -> ConversationSummary:
    """Return the conversation at this address; another tenant's does not exist."""
    conversation = await conversations.fetch_conversation(
        context.pool, principal.tenant_id, ConversationId(conversation_id)
    )
    if conversation is None:
        raise NotFoundError
    return conversation


OwnConversation = Annotated[ConversationSummary, Depends(fetch_own_conversation)]


def build_event_id(
    request: Request,
    conversation_id: UUID,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> EventId:
    """Return a new event's id; an `Idempotency-Key` gives a repetition the same id.

    The key is combined with the address: it can't take the id of an event of another
    conversation or kind.
    """
    return derive_request_id(request, ConversationId(conversation_id), idempotency_key)


def derive_request_id(
    request: Request, conversation_id: ConversationId, idempotency_key: str | None
) -> EventId:
    """Return the id of the event that a request makes; see `build_event_id`."""
    if not idempotency_key:
        return EventId(uuid4())
    key = f"api:{request.url.path}:{idempotency_key}"
    return derive_event_id(conversation_id, key)


NewEventId = Annotated[EventId, Depends(build_event_id)]


@router.get("/api/conversations/")
async def list_conversations(
    principal: SignedIn,
    context: Context,
    paging: schemas.Paging,
    status: Annotated[Status | None, schemas.LeftEmpty] = None,
    source: Annotated[Source | None, schemas.LeftEmpty] = None,
    q: schemas.SearchWords | None = None,
) -> schemas.Page[schemas.ConversationOut]:
    """List conversations, last changed first."""
    count, rows = await conversations.fetch_conversations_page(
        context.pool,
        principal.tenant_id,
        ConversationFilter(status, source, q or None),
        paging.limit,
        paging.offset,
    )
    return paging.build(count, (render_conversation(row) for row in rows))


@router.get("/api/conversations/{conversation_id}/")
async def show_conversation(conversation: OwnConversation) -> schemas.ConversationOut:
    """Show a conversation."""
    return render_conversation(conversation)


@router.get("/api/conversations/{conversation_id}/events/")
async def list_events(
    conversation: OwnConversation,
    principal: SignedIn,
    context: Context,
    paging: schemas.Paging,
) -> schemas.Page[EventOut]:
    """List the events of a conversation, oldest first."""
    count, rows = await history.fetch_events_page(
        context.pool, principal.tenant_id, conversation.id, paging.limit, paging.offset
    )
    return paging.build(count, (EventOut.model_validate(row) for row in rows))


@router.post("/api/conversations/{conversation_id}/redirect/")
async def redirect_conversation(
    body: RedirectIn,
    conversation: OwnConversation,
    event_id: NewEventId,
    principal: SignedIn,
    context: Context,
) -> schemas.ConversationOut:
    """Hand the conversation to a department, or back to the AI."""
    await context.shards.submit(
        ConversationRedirected(
            id=event_id,
            conversation_id=conversation.id,
            at=context.clock.now(),
            destination=body.destination,
            user_id=principal.user_id,
        )
    )
    return await _show_changed(context, principal, conversation.id)


@router.post("/api/conversations/{conversation_id}/status/")
async def set_status(
    body: StatusIn,
    conversation: OwnConversation,
    event_id: NewEventId,
    principal: SignedIn,
    context: Context,
) -> schemas.ConversationOut:
    """Set the status."""
    await context.shards.submit(
        StatusSet(
            id=event_id,
            conversation_id=conversation.id,
            at=context.clock.now(),
            status=body.status,
            user_id=principal.user_id,
        )
    )
    return await _show_changed(context, principal, conversation.id)


@router.post("/api/conversations/{conversation_id}/ai/")
async def switch_ai(
    body: AiIn,
    conversation: OwnConversation,
    event_id: NewEventId,
    principal: SignedIn,
    context: Context,
) -> schemas.ConversationOut:
    """Turn the AI on or off, without redirecting the conversation.

    Turned on, it answers open questions. Turned off, an answer that it is writing or
    that waits to be sent is dropped.
    """
    await context.shards.submit(
        AiSwitched(
            id=event_id,
            conversation_id=conversation.id,
            at=context.clock.now(),
            user_id=principal.user_id,
            ai_enabled=body.ai_enabled,
        )
    )
    return await _show_changed(context, principal, conversation.id)


@router.get("/api/workflow/action-nodes/redirect_destinations/")
async def list_destinations(_: SignedIn) -> list[DestinationOut]:
    """List the destinations of a redirect."""
    return [DestinationOut(value=value, label=label) for value, label in LABELS.items()]


async def _show_changed(
    context: WebDependencies, principal: Principal, conversation_id: ConversationId
) -> schemas.ConversationOut:
    return render_conversation(
        await fetch_own_conversation(conversation_id, principal, context)
    )


def render_conversation(row: ConversationSummary) -> schemas.ConversationOut:
    """Render a conversation as the API and the live feed show it."""
    last_message, pending_share = None, None
    window = reply_window(Source(row.source), row.last_customer_at)
    if row.last_message is not None:
        last_message = schemas.LastMessageOut.model_validate(row.last_message)
    if row.pending_share is not None:
        pending_share = schemas.PendingShareOut.model_validate(row.pending_share)
    return schemas.ConversationOut(
        id=row.id,
        status=row.status,
        ai_enabled=row.ai_enabled,
        department=row.department,
        source=row.source,
        channel_id=row.channel_id,
        customer=schemas.CustomerOut.model_validate(row.customer),
        pending_share=pending_share,
        can_reply_until=None if window is None else window.until,
        needs_operator=row.needs_operator,
        last_message=last_message,
        updated_at=row.updated_at,
    )
