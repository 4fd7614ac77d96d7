"""`/api/conversations/`: the inbox, its conversations' events and handovers."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Header, Request
from pydantic import StrictBool

from actors.conversation.codec import decode_runs
from actors.conversation.events import (
    AiSwitched,
    ConversationRedirected,
    Event,
    StatusSet,
)
from actors.conversation.rules.reply_window import reply_window
from actors.conversation.state import Destination, Source, Status, find_lease
from deployments.web.api import auth, errors, schemas
from deployments.web.dependencies import Context, WebDependencies
from persistence import conversations, history
from persistence.conversations import ConversationFilter, ConversationSummary
from persistence.database import Db
from persistence.ids import ChannelId, ConversationId, EventId, derive_event_id
from persistence.paging import Found

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


class Order(StrEnum):
    """The orders of the list."""

    LAST_CHANGED = "last_changed"
    WAITS_LONGEST = "waits_longest"


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The filters and the order of the list; a filter that is left out holds for all.

    `channel` is an id. A customer waits while a message is unanswered, or a person is
    needed.
    """

    status: Annotated[Status | None, schemas.LeftEmpty] = None
    source: Annotated[Source | None, schemas.LeftEmpty] = None
    department: Annotated[Destination | None, schemas.LeftEmpty] = None
    channel: Annotated[UUID | None, schemas.LeftEmpty] = None
    needs_operator: Annotated[bool | None, schemas.LeftEmpty] = None
    waiting: Annotated[bool | None, schemas.LeftEmpty] = None
    unread: Annotated[bool | None, schemas.LeftEmpty] = None
    mine: Annotated[bool | None, schemas.LeftEmpty] = None
    snoozed: Annotated[bool | None, schemas.LeftEmpty] = None
    q: schemas.SearchWords | None = None
    order: Annotated[Order | None, schemas.LeftEmpty] = None

    def build_filter(self) -> ConversationFilter:
        """Build the filter of the page. Raises InvalidValueError."""
        is_by_wait = self.order is Order.WAITS_LONGEST
        if is_by_wait and self.q:
            message = "order: a search is ordered by the last change"
            raise errors.InvalidValueError(message)
        if is_by_wait and self.waiting is False:
            message = "order: nobody who does not wait has waited longest"
            raise errors.InvalidValueError(message)
        return ConversationFilter(
            status=self.status,
            source=self.source,
            words=self.q or None,
            department=self.department,
            channel_id=None if self.channel is None else ChannelId(self.channel),
            needs_operator=self.needs_operator,
            is_waiting=self.waiting,
            is_unread=self.unread,
            is_mine=self.mine,
            is_snoozed=self.snoozed,
        )


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
    conversation_id: UUID, principal: auth.SignedIn, context: Context
) -> ConversationSummary:
    """Return the conversation at this address; another tenant's does not exist."""
    return errors.require(
        await conversations.fetch_conversation(
            context.pool, read_as(principal), ConversationId(conversation_id)
        )
    )


def read_as(principal: auth.Principal) -> conversations.Reader:
    """Return who reads: what is unread is the person's own."""
    return conversations.Reader(principal.tenant_id, principal.user_id)


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
    principal: auth.SignedIn,
    context: Context,
    paging: schemas.Paging,
    query: Annotated[ListQuery, Depends()],
) -> schemas.Page[schemas.ConversationOut]:
    """List conversations, last changed first, or the longest wait first.

    `needs_operator`, `waiting`, `unread`, `mine`, `snoozed`, `department` and `channel`
    filter the list; by `order=waits_longest` it has only those whose customer waits.
    """
    window = paging.window()
    wanted = query.build_filter()
    fetch_page = conversations.fetch_conversations_page
    if query.order is Order.WAITS_LONGEST:
        fetch_page = conversations.fetch_longest_waiting_page

    async def fetch(db: Db) -> Found[ConversationSummary]:
        return await fetch_page(db, read_as(principal), wanted, window)

    is_search = wanted.words is not None
    found = await (
        context.searches.run(principal.tenant_id, fetch)
        if is_search
        else fetch(context.pool)
    )
    return paging.build_found(found, map(render_conversation, found.rows))


@router.get("/api/conversations/{conversation_id}/")
async def show_conversation(conversation: OwnConversation) -> schemas.ConversationOut:
    """Show a conversation."""
    return render_conversation(conversation)


@router.get("/api/conversations/{conversation_id}/events/")
async def list_events(
    conversation: OwnConversation,
    principal: auth.SignedIn,
    context: Context,
    paging: schemas.Paging,
) -> schemas.Page[EventOut]:
    """List the events of a conversation, oldest first."""
    window = paging.window(schemas.NUMBER_KEY)
    found = await history.fetch_events_page(
        context.pool, principal.tenant_id, conversation.id, window
    )
    return paging.build_found(found, map(EventOut.model_validate, found.rows))


@router.post("/api/conversations/{conversation_id}/redirect/")
async def redirect_conversation(
    body: RedirectIn,
    conversation: OwnConversation,
    event_id: NewEventId,
    principal: auth.SignedIn,
    context: Context,
) -> schemas.ConversationOut:
    """Hand the conversation to a department, or back to the AI."""
    event = ConversationRedirected(
        id=event_id,
        conversation_id=conversation.id,
        at=context.clock.now(),
        destination=body.destination,
        user_id=principal.user_id,
    )
    return await submit_and_show(context, principal, event)


@router.post("/api/conversations/{conversation_id}/status/")
async def set_status(
    body: StatusIn,
    conversation: OwnConversation,
    event_id: NewEventId,
    principal: auth.SignedIn,
    context: Context,
) -> schemas.ConversationOut:
    """Set the status."""
    event = StatusSet(
        id=event_id,
        conversation_id=conversation.id,
        at=context.clock.now(),
        status=body.status,
        user_id=principal.user_id,
    )
    return await submit_and_show(context, principal, event)


@router.post("/api/conversations/{conversation_id}/ai/")
async def switch_ai(
    body: AiIn,
    conversation: OwnConversation,
    event_id: NewEventId,
    principal: auth.SignedIn,
    context: Context,
) -> schemas.ConversationOut:
    """Turn the AI on or off, without redirecting the conversation.

    Turned on, it answers open questions. Turned off, an answer that it is writing or
    that waits to be sent is dropped.
    """
    event = AiSwitched(
        id=event_id,
        conversation_id=conversation.id,
        at=context.clock.now(),
        user_id=principal.user_id,
        ai_enabled=body.ai_enabled,
    )
    return await submit_and_show(context, principal, event)


@router.get("/api/workflow/action-nodes/redirect_destinations/")
async def list_destinations(_: auth.SignedIn) -> list[DestinationOut]:
    """List the destinations of a redirect."""
    return [DestinationOut(value=value, label=label) for value, label in LABELS.items()]


async def submit_and_show(
    context: WebDependencies,
    principal: auth.Principal,
    event: Event,
) -> schemas.ConversationOut:
    """Submit the event, and show the conversation as it is now."""
    await context.shards.submit(event)
    return render_conversation(
        await fetch_own_conversation(event.conversation_id, principal, context)
    )


def render_conversation(row: ConversationSummary) -> schemas.ConversationOut:
    """Render a conversation as the API and the live feed show it."""
    window = reply_window(Source(row.source), row.last_customer_at)
    shown = {field.name: getattr(row, field.name) for field in fields(row)}
    shown["unread"] = row.is_unread
    shown["can_reply_until"] = None if window is None else window.until
    shown["reply_right"] = _find_reply_right(row)
    return schemas.ConversationOut.model_validate(shown)


def _find_reply_right(row: ConversationSummary) -> schemas.ReplyRightOut:
    lease = find_lease(decode_runs(row.runs))
    if lease is not None:
        return schemas.ReplyRightOut(
            holder="workflow",
            until=lease.holds_until,
            workflow_id=lease.workflow.workflow_id,
            run_id=lease.id,
        )
    # A closed conversation opens again with the customer's next message.
    is_led_by_ai = row.ai_enabled and row.status in {Status.ACTIVE, Status.CLOSED}
    return schemas.ReplyRightOut(holder="ai" if is_led_by_ai else "person")
