"""Which workflows an event triggers: the events with which their runs begin.

The shard decides on each of them right after the event, in the same transaction. Their
ids follow from the event's and the workflow's: nothing triggers a workflow twice.
"""

from collections.abc import Iterable

from actors.conversation import effects, events
from actors.conversation.effects import Decision
from actors.conversation.state import Conversation, Status
from actors.workflow.definition import ConversationStatus, Platform
from actors.workflow.run import MAX_TEXT_CHARS, Occasion, Phase
from actors.workflow.triggers import (
    Start,
    TriggerTable,
    find_message_starts,
    find_status_starts,
    find_tag_starts,
)
from persistence.ids import MessageId, derive_event_id

#: What a run's own events do is one step deeper than the run.
_BY_RUN = (
    events.WorkflowTriggered,
    events.WorkflowFellDue,
    events.WorkflowReported,
    events.WorkflowSpoke,
)


def find_starts(
    table: TriggerTable,
    before: Conversation | None,
    event: events.Event,
    decision: Decision,
) -> tuple[events.WorkflowTriggered, ...]:
    """Return the starts of workflows that an event triggers, each workflow once."""
    if not table:
        return ()
    found = (
        *_by_message(table, before, event, decision),
        *_by_tags(table, event, decision),
        *_by_status(table, before, event, decision),
    )
    once = {start.id: start for start in reversed(found)}
    return tuple(reversed(once.values()))


def _by_message(
    table: TriggerTable,
    before: Conversation | None,
    event: events.Event,
    decision: Decision,
) -> Iterable[events.WorkflowTriggered]:
    state = decision.state
    match event:
        case events.CustomerWrote(is_standby=False, is_note=False):
            message_id = events.message_id_of(event)
            if message_id not in state.questions or _awaits_words(before):
                # An answer to a run, more of an album, or unsent before it came.
                return
            text, is_new = event.text, _is_new(before)
        case events.ShareTimedOut() if before is not None and before.awaits_first_text:
            if state.awaits_first_text or state.last_message_id is None:
                return
            message_id, text, is_new = state.last_message_id, "", True
        case events.CustomerShared(is_standby=False) if state.pending_share is None:
            message_id, text = events.message_id_of(event), ""
            is_new = before is None
            if not is_new:
                return
        case _:
            return
    starts = find_message_starts(
        table,
        text,
        Platform(state.source.value),
        ConversationStatus(state.status.value),
        is_new_customer=is_new,
        is_text=isinstance(event, events.CustomerWrote),
    )
    for start in starts:
        occasion = Occasion(start.kind, MessageId(message_id), text[:MAX_TEXT_CHARS])
        yield _trigger(start, event, decision, occasion)


def _is_new(before: Conversation | None) -> bool:
    if before is None or before.awaits_first_text:
        return True
    return before.last_customer_at is None


def _awaits_words(before: Conversation | None) -> bool:
    """Whether a run awaits an answer: what is written meanwhile is the run's."""
    return before is not None and any(
        token.phase in {Phase.ASKED, Phase.AI_ANSWERS}
        for run in before.runs
        for token in run.tokens
    )


def _by_tags(
    table: TriggerTable, event: events.Event, decision: Decision
) -> Iterable[events.WorkflowTriggered]:
    tags = event.added_tags if isinstance(event, events.CustomerEdited) else ()
    for effect in decision.effects:
        if isinstance(effect, effects.ChangeCard):
            tags = (*tags, *effect.change.add_tags)
    for tag in dict.fromkeys(tags):
        for start in find_tag_starts(table, tag):
            occasion = Occasion(start.kind, tag=tag)
            yield _trigger(start, event, decision, occasion)


def _by_status(
    table: TriggerTable,
    before: Conversation | None,
    event: events.Event,
    decision: Decision,
) -> Iterable[events.WorkflowTriggered]:
    was = Status.ACTIVE if before is None else before.status
    status = decision.state.status
    if was is status or isinstance(event, events.CustomerErased):
        return
    for start in find_status_starts(table, ConversationStatus(status.value)):
        yield _trigger(start, event, decision, Occasion(start.kind))


def _trigger(
    start: Start, event: events.Event, decision: Decision, occasion: Occasion
) -> events.WorkflowTriggered:
    state = decision.state
    workflow_id = start.ref.workflow_id
    return events.WorkflowTriggered(
        id=derive_event_id(state.id, f"start:{event.id}:{workflow_id}"),
        conversation_id=state.id,
        at=event.at,
        workflow=start.ref,
        node=start.node,
        occasion=occasion,
        depth=_depth(event, decision),
        tags=start.tags,
        max_per_customer=start.limits.max_runs_per_customer,
        max_running=start.limits.max_running,
    )


def _depth(event: events.Event, decision: Decision) -> int:
    """Return how many workflows have started each other before this start."""
    changed = [
        effect.depth
        for effect in decision.effects
        if isinstance(effect, effects.ChangeCard)
    ]
    steps = [
        effect.run.depth + 1
        for effect in decision.effects
        if isinstance(effect, effects.RecordRun)
    ]
    return (
        max((*changed, *steps), default=0)
        if isinstance(event, _BY_RUN) or changed
        else 0
    )
