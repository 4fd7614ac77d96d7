"""`/api/conversations/{id}/assign/` and `/snooze/`: what people arrange."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime

from actors.conversation.events import ConversationAssigned, ConversationSnoozed
from deployments.web.api import auth, schemas
from deployments.web.api.conversations import (
    NewEventId,
    OwnConversation,
    submit_and_show,
)
from deployments.web.api.errors import InvalidValueError
from deployments.web.dependencies import Context, WebDependencies
from persistence.ids import UserId
from persistence.users import fetch_member

router = APIRouter(tags=["conversations"])

#: Whoever comes back later has long forgotten why.
MAX_SNOOZE = timedelta(days=366)


class AssignIn(schemas.RequestBody):
    """The person who looks after it from now on; `me` is the caller, null nobody."""

    user_id: UUID | Literal["me"] | None


class SnoozeIn(schemas.RequestBody):
    """Until when it is put aside, at most a year; null ends that."""

    until: AwareDatetime | None


@router.post("/api/conversations/{conversation_id}/assign/")
async def assign_conversation(
    body: AssignIn,
    conversation: OwnConversation,
    event_id: NewEventId,
    principal: auth.SignedIn,
    context: Context,
) -> schemas.ConversationOut:
    """Give the conversation to a person of the business, or to nobody."""
    event = ConversationAssigned(
        id=event_id,
        conversation_id=conversation.id,
        at=context.clock.now(),
        user_id=principal.user_id,
        assignee_id=await _find_assignee(body, principal, context),
    )
    return await submit_and_show(context, principal, event)


@router.post("/api/conversations/{conversation_id}/snooze/")
async def snooze_conversation(
    body: SnoozeIn,
    conversation: OwnConversation,
    event_id: NewEventId,
    principal: auth.SignedIn,
    context: Context,
) -> schemas.ConversationOut:
    """Put the conversation aside; at its time it needs an operator again.

    A message of the customer ends that earlier, as does closing the conversation.
    """
    now = context.clock.now()
    if body.until is not None and not now < body.until <= now + MAX_SNOOZE:
        message = "until: must be in the future, and within a year"
        raise InvalidValueError(message)
    event = ConversationSnoozed(
        id=event_id,
        conversation_id=conversation.id,
        at=now,
        user_id=principal.user_id,
        until=body.until,
    )
    return await submit_and_show(context, principal, event)


async def _find_assignee(
    body: AssignIn, principal: auth.Principal, context: WebDependencies
) -> UserId | None:
    """Return the person who is meant. Raises InvalidValueError."""
    if body.user_id is None:
        return None
    user_id = principal.user_id if body.user_id == "me" else UserId(body.user_id)
    member = await fetch_member(context.pool, principal.tenant_id, user_id)
    if member is None or not member.is_active:
        message = "user_id: no active person of this business has this id"
        raise InvalidValueError(message)
    return member.id
