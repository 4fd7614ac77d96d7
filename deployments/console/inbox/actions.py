"""Forms of a thread: each is the API's own call, then the page again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from actors.conversation.errors import TooMuchToSendError, WindowClosedError
from actors.conversation.state import Destination, Status
from deployments.console import rendering, routing
from deployments.console.inbox import pages, reading
from deployments.console.inbox.pages import Draft
from deployments.console.session import SentForm, Visit
from deployments.web.api import conversations, errors, messages, outbox, schemas
from deployments.web.api.inbox import arranging, notes, read_marks
from persistence.conversations import ConversationSummary
from persistence.ids import EventId
from persistence.inbox_views import View

router = routing.build_router()

_AT = "/console/inbox/{view}/{conversation_id}/"
_API = "POST /api/conversations/{conversation_id}/"
SNOOZE_HOURS = frozenset({"1", "4", "24"})
_MAX_DIGITS = 18
Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent in a thread, the conversation, and the event's id."""

    request: Request
    visit: Visit
    fields: dict[str, str]
    view: View
    conversation: ConversationSummary
    event_id: EventId

    @property
    def key(self) -> str | None:
        """What makes the repetition of a form the same: after a lost answer, say."""
        return self.fields.get("key", "")[:64] or None

    def again(self) -> Response:
        """Lead back to the thread."""
        there = f"/console/inbox/{self.view}/{self.conversation.id}"
        return RedirectResponse(there, routing.SEE_OTHER)


async def require_sent(
    request: Request, form: SentForm, view: View, conversation_id: UUID
) -> Sent:
    """Return the form. Raises NotFoundError: there is no such conversation."""
    row = await reading.read_conversation(form.visit, conversation_id)
    key = form.fields.get("key", "")[:64] or None
    event_id = conversations.derive_request_id(request, row.id, key)
    return Sent(request, form.visit, form.fields, view, row, event_id)


InThread = Annotated[Sent, Depends(require_sent)]


@router.post(f"{_AT}answer")
async def answer(sent: InThread) -> Response:
    """Answer the customer, unless something came that the person has not seen."""
    visit = sent.visit
    visit.check_access(f"{_API}messages/")
    text = _read_text(sent)
    words = rendering.choose_locale(sent.request, visit.context.clock.now()).words
    try:
        body = messages.AnswerIn.model_validate(
            {"content": text, "seen_position": _read_number(sent.fields, "seen")}
        )
        await messages.answer_conversation(
            body, sent.conversation, sent.event_id, visit.principal, visit.context
        )
    except errors.AnswerOvertakenError as error:
        newer = tuple(
            message
            for message in error.newer
            if isinstance(message, schemas.MessageOut)
        )
        return await _show_draft(sent, Draft(text, words.newer, newer), 409)
    except WindowClosedError:
        return await _show_draft(sent, Draft(text, words.too_late), 409)
    except (ValidationError, TooMuchToSendError) as error:
        reason = words.refused.format(reason=_reason_of(error))
        return await _show_draft(sent, Draft(text, reason), 422)
    return sent.again()


@router.post(f"{_AT}note")
async def write_note(sent: InThread) -> Response:
    """Write a note for colleagues."""
    visit = sent.visit
    visit.check_access(f"{_API}notes/")
    try:
        body = notes.NoteIn.model_validate({"content": _read_text(sent)})
    except ValidationError:
        return sent.again()
    await notes.write_note(
        body, sent.conversation, sent.event_id, visit.principal, visit.context
    )
    return sent.again()


@router.post(f"{_AT}redirect")
async def redirect(sent: InThread) -> Response:
    """Move the conversation to a department, or give it back to the AI."""
    visit = sent.visit
    visit.check_access(f"{_API}redirect/")
    destination = _choose(Destination, sent.fields.get("destination", ""))
    await conversations.redirect_conversation(
        conversations.RedirectIn(destination=destination),
        sent.conversation,
        sent.event_id,
        visit.principal,
        visit.context,
    )
    return sent.again()


@router.post(f"{_AT}status")
async def set_status(sent: InThread) -> Response:
    """Close the conversation, or open it again."""
    visit = sent.visit
    visit.check_access(f"{_API}status/")
    status = _choose(Status, sent.fields.get("status", ""))
    await conversations.set_status(
        conversations.StatusIn(status=status),
        sent.conversation,
        sent.event_id,
        visit.principal,
        visit.context,
    )
    return sent.again()


@router.post(f"{_AT}assign")
async def assign(sent: InThread) -> Response:
    """Look after the conversation, or no longer."""
    visit = sent.visit
    visit.check_access(f"{_API}assign/")
    to = "me" if sent.fields.get("to") == "me" else None
    await arranging.assign_conversation(
        arranging.AssignIn.model_validate({"user_id": to}),
        sent.conversation,
        sent.event_id,
        visit.principal,
        visit.context,
    )
    return sent.again()


@router.post(f"{_AT}snooze")
async def snooze(sent: InThread) -> Response:
    """Put the conversation aside for some hours, or bring it back."""
    visit = sent.visit
    visit.check_access(f"{_API}snooze/")
    hours, until = sent.fields.get("hours", ""), None
    if hours in SNOOZE_HOURS:
        until = visit.context.clock.now() + timedelta(hours=int(hours))
    await arranging.snooze_conversation(
        arranging.SnoozeIn(until=until),
        sent.conversation,
        sent.event_id,
        visit.principal,
        visit.context,
    )
    return sent.again()


@router.post(f"{_AT}read")
async def mark_read(sent: InThread) -> Response:
    """Note how far the person has read while the thread was open."""
    sent.visit.check_access(f"{_API}read/")
    await read_marks.mark_read(
        read_marks.ReadIn(position=_read_number(sent.fields, "position") or 0),
        sent.conversation,
        sent.visit.principal,
        sent.visit.context,
    )
    return Response(status_code=204)


@router.post(f"{_AT}unread")
async def mark_unread(sent: InThread) -> Response:
    """Keep the conversation unread, and leave it."""
    sent.visit.check_access("DELETE /api/conversations/{conversation_id}/read/")
    await read_marks.mark_unread(
        sent.conversation, sent.visit.principal, sent.visit.context
    )
    return RedirectResponse(f"/console/inbox/{sent.view}", routing.SEE_OTHER)


@router.post(f"{_AT}retry/{{message_id}}")
async def retry(sent: InThread, message_id: UUID) -> Response:
    """Send what did not arrive again; its mark changes when that is known."""
    visit = sent.visit
    visit.check_access("POST /api/outbox/{message_id}/retry/")
    await outbox.retry_letter(
        message_id, sent.request, visit.principal, visit.context, sent.key
    )
    return sent.again()


async def _show_draft(sent: Sent, draft: Draft, status: int) -> Response:
    """Show the thread with what was not sent, and why."""
    return await pages.respond_inbox(
        sent.request,
        sent.visit,
        sent.view,
        sent.conversation.id,
        draft=draft,
        status=status,
    )


def _read_text(sent: Sent) -> str:
    """Return the text with the line ends that people typed, and not those of forms."""
    return sent.fields.get("text", "").replace("\r\n", "\n")


def _choose(kind: Callable[[str], Choice], value: str) -> Choice:
    """Read a choice. Raises NotFoundError: none of our forms offers it."""
    try:
        return kind(value)
    except ValueError as error:
        raise errors.NotFoundError from error


def _read_number(fields: dict[str, str], name: str) -> int | None:
    value = fields.get(name, "")
    is_number = value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS
    return int(value) if is_number else None


def _reason_of(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(str(one["msg"]) for one in error.errors())
    return str(error)
