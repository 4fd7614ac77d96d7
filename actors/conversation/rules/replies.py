"""The rules of the AI's answers: one per burst, never once a person leads."""

from dataclasses import replace
from datetime import datetime

from actors.conversation.effects import (
    CancelReply,
    ClearTimer,
    Count,
    Counter,
    Decision,
    Effect,
    MarkMessages,
    RecordMessage,
    SetTimer,
    StartReply,
)
from actors.conversation.events import (
    ReplyFailed,
    ReplyFellDue,
    ReplyWritten,
    message_id_of,
)
from actors.conversation.rules.announcements import announce_redirect
from actors.conversation.rules.delivery import enqueue
from actors.conversation.rules.ordering import place
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.reply_window import reply_window
from actors.conversation.rules.share import drop_pending, share_of_questions
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


def abandon(reply: Reply | None, reason: str) -> tuple[Effect, ...]:
    """Stop and count an answer that is being written; nothing if none is."""
    if reply is None or reply.job is None:
        return ()
    return (CancelReply(reply.job), Count(Counter.AI_REPLIES_DROPPED, reason))


def stop_reply(
    state: Conversation, reason: str
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Give up the answer to come, whether it waits or is being written."""
    if state.reply is None:
        return state, ()
    effects: tuple[Effect, ...] = (
        *abandon(state.reply, reason),
        ClearTimer(TimerKind.REPLY),
    )
    if state.questions:
        # Nobody works on them now, nor will after a newer text: they wait, for a person
        # or for the AI's return.
        effects = (*effects, MarkMessages(state.questions, Processing.PENDING))
    return replace(state, reply=None), effects


def await_burst(
    state: Conversation, due_at: datetime, reason: str = "newer_text"
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Set the reply timer anew; an answer being written is out of date for `reason`."""
    effects = (*abandon(state.reply, reason), SetTimer(TimerKind.REPLY, due_at))
    return replace(state, reply=Reply(due_at)), effects


def answer_what_waits(state: Conversation, at: datetime, policy: Policy) -> Decision:
    """Answer what the customer asked while nobody answered."""
    if not state.questions or state.reply is not None:
        return Decision(state)
    state, effects = await_burst(state, at + policy.reply_debounce)
    return Decision(state, effects)


def close_questions(
    state: Conversation, processing: Processing, reason: str = ""
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Let nothing wait for an answer any more."""
    if not state.questions:
        return state, ()
    marked = MarkMessages(state.questions, processing, reason)
    return replace(state, questions=(), combined=()), (marked,)


def on_reply_due(state: Conversation, event: ReplyFellDue) -> Decision:
    """Start writing. After a crash the timer fires again, and so does the writing."""
    if state.reply is None or state.reply.due_at != event.due_at:
        return Decision(state)  # Set anew, or cleared, after this timer fired.
    window = reply_window(state.source, state.last_customer_at)
    if window is not None and event.at > window.until:
        # The platform takes no answer of ours now; a person may still write.
        state, stopped = stop_reply(state, "window_closed")
        return Decision(replace(state, needs_operator=True), stopped)
    job = event.id
    lost = abandon(state.reply, "restarted")
    state = replace(state, reply=Reply(event.due_at, job))
    return Decision(
        state,
        (
            *lost,
            MarkMessages(state.questions, Processing.PROCESSING),
            StartReply(job, state.questions, share_of_questions(state)),
        ),
    )


def on_reply_written(state: Conversation, event: ReplyWritten) -> Decision:
    """Store and send the answer, unless the conversation has moved on meanwhile."""
    if _is_stale(state, event.job):
        # Counted when its job was given up; there is nothing to undo.
        return Decision(state)
    message = RecordMessage(
        id=message_id_of(event),
        author=Author.AI,
        content=event.text,
        created_at=event.at,
        processing=Processing.COMPLETED,
        trace=event.trace,
        position=place(state),
    )
    state = replace(
        state,
        reply=None,
        last_message_id=message.id,
        needs_operator=state.needs_operator or event.needs_operator,
    )
    state, message, sends = enqueue(state, message)
    effects: tuple[Effect, ...] = (
        message,
        MarkMessages(state.questions, Processing.COMPLETED),
        ClearTimer(TimerKind.REPLY),
        *sends,
    )
    if event.is_handover:
        # The customer still waits for a person's answer: the questions stay.
        handed = _hand_over(state)
        return Decision(handed.state, (*effects, *handed.effects))
    return Decision(replace(state, questions=(), combined=()), effects)


def on_reply_failed(state: Conversation, event: ReplyFailed) -> Decision:
    """Keep the questions and call a person: a failed answer never vanishes."""
    if _is_stale(state, event.job):
        return Decision(state)
    state = replace(state, reply=None, needs_operator=True)
    marked = MarkMessages(state.questions, Processing.FAILED, event.reason)
    return Decision(state, (marked, ClearTimer(TimerKind.REPLY)))


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


def _is_stale(state: Conversation, job: EventId) -> bool:
    return state.reply is None or state.reply.job != job
