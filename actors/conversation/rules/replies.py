"""The rules of the AI's answers: one per burst, none while a person leads."""

from dataclasses import replace
from datetime import datetime

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.reasons import FailureReason
from actors.conversation.rules.delivery import enqueue
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.reply_window import reply_window
from actors.conversation.rules.send_limits import has_room
from actors.conversation.rules.share import (
    are_posts,
    drop_pending,
    share_of_questions,
)
from actors.conversation.rules.splitting import split_for
from actors.conversation.state import (
    Author,
    Conversation,
    Destination,
    Processing,
    Reply,
    Status,
    TimerKind,
)
from persistence.ids import EventId


def cancel_reply(reply: Reply | None, reason: str) -> tuple[Effect, ...]:
    """Cancel and count the answer that is being written, if there is one."""
    if reply is None or reply.job is None:
        return ()
    return (
        effects.CancelReply(reply.job),
        effects.Count(effects.Counter.AI_REPLIES_DROPPED, reason),
    )


def stop_reply(
    state: Conversation, reason: str
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Drop the reply, whether it waits for its timer or is being written."""
    if state.reply is None:
        return state, ()
    stopped: tuple[Effect, ...] = (
        *cancel_reply(state.reply, reason),
        effects.ClearTimer(TimerKind.REPLY),
    )
    if state.questions:
        # They wait, for a person or for the AI's return.
        stopped = (*stopped, effects.MarkMessages(state.questions, Processing.PENDING))
    return replace(state, reply=None), stopped


def await_burst(
    state: Conversation, due_at: datetime, reason: str = "newer_text"
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Restart the reply timer; `reason` says why an answer being written is stale."""
    cancelled = cancel_reply(state.reply, reason)
    state = replace(state, reply=Reply(due_at))
    return state, (*cancelled, effects.SetTimer(TimerKind.REPLY, due_at))


def answer_what_waits(state: Conversation, at: datetime, policy: Policy) -> Decision:
    """Start a reply to the open questions, unless one is under way."""
    if not state.questions or state.reply is not None:
        return Decision(state)
    state, started = await_burst(state, at + policy.reply_debounce)
    return Decision(state, started)


def close_questions(
    state: Conversation, processing: Processing, reason: str = ""
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Mark the open questions, and close them."""
    if not state.questions:
        return state, ()
    marked = effects.MarkMessages(state.questions, processing, reason)
    return replace(state, questions=(), combined=()), (marked,)


def on_reply_due(state: Conversation, event: events.ReplyFellDue) -> Decision:
    """Start writing. After a crash the timer fires again, and restarts it."""
    if state.reply is None or state.reply.due_at != event.due_at:
        return Decision(state)  # The timer was set again, or cleared, since it fired.
    window = reply_window(state.source, state.last_customer_at)
    if window is not None and event.at > window.until:
        # The platform refuses automatic answers now; a person may still write.
        state, stopped = stop_reply(state, "window_closed")
        return Decision(replace(state, needs_operator=True), stopped)
    job = event.id
    lost = cancel_reply(state.reply, "restarted")
    state = replace(state, reply=Reply(event.due_at, job))
    return Decision(
        state,
        (
            *lost,
            effects.MarkMessages(state.questions, Processing.PROCESSING),
            effects.StartReply(
                job,
                state.questions,
                share_of_questions(state),
                are_posts(state.combined),
            ),
        ),
    )


def on_reply_written(state: Conversation, event: events.ReplyWritten) -> Decision:
    """Store and send the answer, unless its job is stale."""
    if _is_stale(state, event.job):
        # It was counted when its job was cancelled.
        return Decision(state)
    if not event.text:
        return _fall_silent(state)
    if not has_room(state.sends, split_for(state.source, event.text)):
        return _give_up(state)
    message = effects.RecordMessage(
        id=events.message_id_of(event),
        author=Author.AI,
        content=event.text,
        created_at=event.at,
        processing=Processing.COMPLETED,
        trace=event.trace,
        position=state.next_position,
    )
    state = replace(
        state,
        reply=None,
        last_message_id=message.id,
        needs_operator=state.needs_operator or event.needs_operator,
    )
    state, message, sends = enqueue(state, message)
    stored: tuple[Effect, ...] = (
        message,
        effects.MarkMessages(state.questions, Processing.COMPLETED),
        effects.ClearTimer(TimerKind.REPLY),
        *sends,
    )
    if event.is_handover:
        # The customer still waits for a person's answer: the questions stay.
        handed = _hand_over(state)
        return Decision(handed.state, (*stored, *handed.effects))
    return Decision(replace(state, questions=(), combined=()), stored)


def on_reply_failed(state: Conversation, event: events.ReplyFailed) -> Decision:
    """Keep the questions and call an operator: a failed answer never vanishes."""
    if _is_stale(state, event.job):
        return Decision(state)
    state = replace(state, reply=None, needs_operator=True)
    marked = effects.MarkMessages(state.questions, Processing.FAILED, event.reason)
    return Decision(state, (marked, effects.ClearTimer(TimerKind.REPLY)))


def announce_redirect(
    state: Conversation, old: Status, destination: Destination
) -> tuple[Effect, ...]:
    """Log and count a redirect from status `old` to the state, in SPEC's words."""
    if destination is Destination.AI:
        intent = (
            f"[Redirect to AI] Conversation {state.id}: "
            "will enable AI, set status to 'active'"
        )
    else:
        intent = (
            f"[Redirect to {destination}] Conversation {state.id}: "
            "will disable AI, set status to 'support_active'"
        )
    ai = "enabled" if state.ai_enabled else "disabled"
    return (
        effects.WriteLog(effects.LogName.WORKFLOW, intent),
        effects.WriteLog(
            effects.LogName.WORKFLOW,
            f"✓ Conversation {state.id} status updated: {old} -> {state.status}",
        ),
        effects.WriteLog(
            effects.LogName.WORKFLOW,
            f"✅ [Redirect Complete] Conversation {state.id} redirected to "
            f"'{destination}': status {old}->{state.status}, AI={ai}",
        ),
        effects.Count(effects.Counter.REDIRECTS, destination.value),
    )


def _hand_over(state: Conversation) -> Decision:
    old = state.status
    state, dropped = drop_pending(state)
    state = replace(
        state,
        status=Status.SUPPORT_ACTIVE,
        ai_enabled=False,
        department=Destination.SUPPORT,
        needs_operator=True,
    )
    return Decision(
        state, (*dropped, *announce_redirect(state, old, Destination.SUPPORT))
    )


def _fall_silent(state: Conversation) -> Decision:
    """Call a person and say nothing: the customer's side answers automatically."""
    marked = effects.MarkMessages(state.questions, Processing.COMPLETED)
    handed = _hand_over(replace(state, reply=None))
    cleared = effects.ClearTimer(TimerKind.REPLY)
    return Decision(handed.state, (marked, cleared, *handed.effects))


def _give_up(state: Conversation) -> Decision:
    """Call a person: the customer has not received what was written before."""
    reason = FailureReason.TOO_MUCH_TO_SEND
    marked = effects.MarkMessages(state.questions, Processing.FAILED, reason)
    handed = _hand_over(replace(state, reply=None))
    cleared = effects.ClearTimer(TimerKind.REPLY)
    return Decision(handed.state, (marked, cleared, *handed.effects))


def _is_stale(state: Conversation, job: EventId) -> bool:
    return state.reply is None or state.reply.job != job
