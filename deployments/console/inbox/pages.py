"""The pages of the inbox."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from deployments.console import rendering, routing
from deployments.console.inbox import reading
from deployments.console.rendering import Locale
from deployments.console.session import SignedIn, Visit
from deployments.web.api.people.sign_in import show_me
from deployments.web.api.schemas import ConversationOut, MessageOut
from persistence import canned_answers, channels
from persistence.canned_answers import CannedAnswer
from persistence.inbox_views import MAX_COUNTED, View

router = routing.build_router()

LIST = "GET /api/conversations/"
MAX_CANNED = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person wrote that was not sent, why, and what came before it."""

    text: str = ""
    problem: str = ""
    newer: tuple[MessageOut, ...] = ()


@router.get("/console/")
async def show_console(_: SignedIn) -> Response:
    """Lead to who waits for a person."""
    return RedirectResponse(f"/console/inbox/{View.NEEDS_PERSON}", routing.SEE_OTHER)


@router.get("/console/inbox/{view}")
async def show_view(
    request: Request, visit: SignedIn, view: View, after: str = ""
) -> Response:
    """Show a view."""
    return await respond_inbox(request, visit, view, None, after=after)


@router.get("/console/inbox/{view}/{conversation_id}")
async def show_conversation(
    request: Request, visit: SignedIn, view: View, conversation_id: UUID
) -> Response:
    """Show a view and a conversation, which counts as read from now on."""
    return await respond_inbox(request, visit, view, conversation_id)


@router.get("/console/inbox/{view}/{conversation_id}/earlier")
async def show_earlier(
    request: Request, visit: SignedIn, view: View, conversation_id: UUID, before: int
) -> Response:
    """Show the messages before a position, as a page and as a frame in the thread."""
    visit.check_access(LIST)
    locale = rendering.choose_locale(request, visit.context.clock.now())
    thread = await reading.read_thread(visit, conversation_id, before)
    values = {"visit": visit, "thread": thread, "view": view, "before": before}
    return rendering.respond("earlier.html", locale, values)


async def respond_inbox(
    request: Request,
    visit: Visit,
    view: View,
    conversation_id: UUID | None,
    *,
    after: str = "",
    draft: Draft | None = None,
    status: int = 200,
) -> Response:
    """Render the inbox with a view, and perhaps a conversation."""
    visit.check_access(LIST)
    locale = rendering.choose_locale(request, visit.context.clock.now())
    pool, tenant_id = visit.context.pool, visit.principal.tenant_id
    # First: a change after it comes through the live channel.
    cursor = await reading.read_cursor(visit)
    thread = None
    canned: tuple[CannedAnswer, ...] = ()
    if conversation_id is not None:
        thread = await reading.read_thread(visit, conversation_id)
        await reading.mark_read(visit, thread)
        canned = await _read_canned(visit, thread.conversation)
    page = await reading.read_view(visit, view, after)
    counts = await reading.count_views(visit)
    is_empty = not any(counts.values())
    values: dict[str, Any] = {
        "visit": visit,
        "path": _path_of(view, conversation_id),
        "section": "inbox",
        "cursor": cursor,
        "page": page,
        "view": view,
        "counts": render_counts(locale, counts),
        "thread": thread,
        "draft": draft or Draft(),
        "key": uuid4().hex,
        "canned": canned,
        "has_channel": not is_empty or await channels.has_channels(pool, tenant_id),
    }
    return rendering.respond("inbox.html", locale, values, status)


def _path_of(view: View, conversation_id: UUID | None) -> str:
    """Return the page's own address; that of a form can't be opened again."""
    return f"/console/inbox/{view}" + (f"/{conversation_id}" if conversation_id else "")


async def _read_canned(
    visit: Visit, conversation: ConversationOut
) -> tuple[CannedAnswer, ...]:
    """Read the ready answers, with the names that they leave open filled in."""
    _, found = await canned_answers.fetch_canned_answers_page(
        visit.context.pool, visit.principal.tenant_id, MAX_CANNED, 0
    )
    if not found:
        return ()
    me = await show_me(visit.principal, visit.context)
    customer = conversation.customer
    names = {
        "customer_name": f"{customer.first_name} {customer.last_name}".strip(),
        "shop_name": me.tenant_name,
        "operator_name": me.username,
    }
    return tuple(replace(one, body=fill_in(one.body, names)) for one in found)


def fill_in(body: str, names: Mapping[str, str]) -> str:
    """Fill in the names; one that is not known leaves no double blank."""
    for name, value in names.items():
        known = f"{{{name}}}"
        body = body.replace(known, value) if value else body.replace(f" {known}", "")
        body = body.replace(known, value)
    return body


def render_counts(locale: Locale, counts: dict[View, int]) -> dict[View, str]:
    """Write the counts; of many a person only sees that there are more."""
    return {
        view: locale.dates.number(f"{MAX_COUNTED - 1}+" if n >= MAX_COUNTED else n)
        for view, n in counts.items()
    }
