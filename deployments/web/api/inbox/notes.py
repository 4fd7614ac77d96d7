"""`/api/conversations/{id}/notes/`: what operators note among themselves."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import StringConstraints

from actors.conversation.events import NoteWritten
from deployments.web.api import auth, schemas
from deployments.web.api.conversations import NewEventId, OwnConversation
from deployments.web.api.errors import require
from deployments.web.dependencies import Context
from persistence import notes

router = APIRouter(tags=["conversations"])

MAX_NOTE_CHARS = 10_000


class NoteIn(schemas.RequestBody):
    """A note for colleagues."""

    content: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_NOTE_CHARS),
        schemas.NoNul,
        schemas.NotBlank,
    ]


class NoteOut(schemas.Answer):
    """A note; `username` is null once its author is gone.

    `position` is its place among the messages, which have positions as well.
    """

    id: UUID
    position: int
    user_id: UUID
    username: str | None
    content: str
    created_at: datetime


@router.get("/api/conversations/{conversation_id}/notes/")
async def list_notes(
    conversation: OwnConversation,
    principal: auth.SignedIn,
    context: Context,
    paging: schemas.Paging,
) -> schemas.Page[NoteOut]:
    """List the notes of a conversation, oldest first."""
    window = paging.window(schemas.NUMBER_KEY)
    found = await notes.fetch_notes_page(
        context.pool, principal.tenant_id, conversation.id, window
    )
    return paging.build_found(found, map(NoteOut.model_validate, found.rows))


@router.post("/api/conversations/{conversation_id}/notes/", status_code=201)
async def write_note(
    body: NoteIn,
    conversation: OwnConversation,
    event_id: NewEventId,
    principal: auth.SignedIn,
    context: Context,
) -> NoteOut:
    """Note something for colleagues: never sent, and never read by the AI."""
    await context.shards.submit(
        NoteWritten(
            id=event_id,
            conversation_id=conversation.id,
            at=context.clock.now(),
            user_id=principal.user_id,
            text=body.content,
        )
    )
    note = await notes.fetch_note(context.pool, principal.tenant_id, event_id)
    return NoteOut.model_validate(require(note))
