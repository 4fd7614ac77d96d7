"""`/api/conversations/{id}/events/{version}/state/`: what an event changed."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Path

from actors.conversation.errors import ReplayError
from actors.conversation.outline import Outline, build_outline
from actors.conversation.replay import RebuiltStep, find_changed_paths, rebuild_step
from actors.conversation.rules.policy import Policy
from deployments.web.api import auth, schemas
from deployments.web.api.conversations import EventOut, OwnConversation
from deployments.web.api.errors import NotFoundError, StateUnavailableError, require
from deployments.web.dependencies import Context, WebDependencies
from deployments.workflows.books import build_book, find_versions
from persistence import history
from persistence.history import StoredEvent
from persistence.workflows import VersionRow, fetch_versions

router = APIRouter(tags=["conversations"])

#: Some two seconds of work.
MAX_EVENTS = 5_000
PRUNED = (
    "Events 1 to {} of this conversation were removed by the retention of messages, so"
    " its states can't be rebuilt."
)
TOO_LONG = (
    f"States are rebuilt for the first {MAX_EVENTS} events of a conversation, and this"
    " is a later one."
)
REFUSED = (
    "Today's rules don't follow the events of this conversation up to here. Run `pilito"
    " replay`: it names the event and the reason."
)


class StateStepOut(schemas.Answer):
    """An event, and the states around it as today's rules rebuild them.

    `before` is null for the first event. `changed` has the paths of the fields that
    differ, such as `sends[0].delivery`. No words are in the states: those of the
    message are in the event, unless it was unsent.
    """

    event: EventOut
    before: Mapping[str, object] | None
    after: Mapping[str, object]
    changed: list[str]


@router.get("/api/conversations/{conversation_id}/events/{version}/state/")
async def show_state(
    version: Annotated[int, Path(ge=1, lt=2**63)],
    conversation: OwnConversation,
    principal: auth.SignedIn,
    context: Context,
) -> StateStepOut:
    """Show the states before and after an event. 409 where it can't be rebuilt."""
    key = principal.tenant_id, conversation.id, version
    async with context.replays.place(principal.tenant_id):
        event = await history.fetch_event(context.pool, *key)
        first = require(
            await history.fetch_first_events(context.pool, *key, MAX_EVENTS + 1)
        )
        if event is None and version > first.pruned_version:
            raise NotFoundError
        if event is None or first.pruned_version:
            raise StateUnavailableError(PRUNED.format(first.pruned_version))
        if len(first.events) > MAX_EVENTS:
            raise StateUnavailableError(TOO_LONG)
        before, after, changed = await _rebuild(context, first.events)
    return StateStepOut(
        event=EventOut.model_validate(event),
        before=before,
        after=after,
        changed=changed,
    )


async def _rebuild(
    context: WebDependencies, steps: Sequence[StoredEvent]
) -> tuple[Outline | None, Outline, list[str]]:
    """Rebuild the last step in a thread: a long history takes a second.

    Raises:
        StateUnavailableError: today's rules refuse an event.
    """
    settings = context.settings
    policy = Policy(
        reply_debounce=settings.reply_debounce, share_timeout=settings.share_timeout
    )
    try:
        versions = await asyncio.to_thread(find_versions, steps)
        rows = await fetch_versions(
            context.pool,
            {(version.workflow_id, version.version) for version in versions},
        )
        return await asyncio.to_thread(_rebuild_step, steps, policy, rows)
    except (ReplayError, ValueError) as error:
        # The reason may quote the event, and so a message that was unsent.
        raise StateUnavailableError(REFUSED) from error


def _rebuild_step(
    steps: Sequence[StoredEvent], policy: Policy, rows: Sequence[VersionRow]
) -> tuple[Outline | None, Outline, list[str]]:
    step: RebuiltStep = rebuild_step(steps, policy, build_book(rows))
    before = None if step.before is None else build_outline(step.before)
    return before, build_outline(step.after), list(find_changed_paths(step))
