"""The rules of a conversation, with no clock and no I/O.

Read `decide` first: one line per event. Each rule returns the next state and what it
orders; the shard records both in one transaction and then carries the orders out.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from actors.conversation.delivery import (
    enqueue,
    on_outcome_lost,
    on_part_delivered,
    on_part_refused,
    on_send_due,
    settle_echo,
)
from actors.conversation.effects import (
    CancelReply,
    ClearTimer,
    CountDroppedReply,
    Decision,
    Effect,
    MarkMessages,
    RecordMessage,
    SetTimer,
    StartReply,
)
from actors.conversation.errors import UnknownConversationError
from actors.conversation.events import (
    ConversationRedirected,
    CustomerWrote,
    EchoReceived,
    Event,
    Inbound,
    OperatorAnswered,
    PartDelivered,
    PartOutcomeLost,
    PartRefused,
    ReplyFailed,
    ReplyFellDue,
    ReplyWritten,
    SendFellDue,
    StatusSet,
    message_id_of,
)
from actors.conversation.policy import Policy
from actors.conversation.state import (
    MAX_QUESTIONS,
    Author,
    Conversation,
    Destination,
    Processing,
    Reply,
    Status,
    TimerKind,
)
from persistence.ids import EventId, derive_customer_id


def decide(state: Conversation | None, event: Event, policy: Policy) -> Decision:
    """Apply one event.

    Raises:
        UnknownConversationError: an event other than a platform's names no state.
    """
    if state is None:
        if not isinstance(event, Inbound):
            raise UnknownConversationError
        state = _open(event)
    state = replace(state, version=state.version + 1)
    match event:
        case CustomerWrote():
            return _on_customer_wrote(state, event, policy)
        case EchoReceived():
            return _on_echo(state, event)
        case OperatorAnswered():
            return _on_operator_answered(state, event)
        case ConversationRedirected():
            return _on_redirected(state, event, policy)
        case StatusSet():
            return _on_status_set(state, event, policy)
        case ReplyFellDue():
            return _on_reply_due(state, event)
        case ReplyWritten():
            return _on_reply_written(state, event)
        case ReplyFailed():
            return _on_reply_failed(state, event)
        case SendFellDue():
            return on_send_due(state, event, policy)
        case PartDelivered():
            return on_part_delivered(state, event)
        case PartRefused():
            return on_part_refused(state, event, policy)
        case PartOutcomeLost():
            return on_outcome_lost(state, event, policy)
        case _:
            assert_never(event)


def _open(event: Inbound) -> Conversation:
    return Conversation(
        id=event.conversation_id,
        tenant_id=event.tenant_id,
        channel_id=event.channel_id,
        customer_id=derive_customer_id(event.channel_id, event.customer),
        source=event.source,
        platform_id=event.customer,
        created_at=event.at,
    )


def _on_customer_wrote(
    state: Conversation, event: CustomerWrote, policy: Policy
) -> Decision:
    message = RecordMessage(
        id=message_id_of(event),
        author=Author.CUSTOMER,
        content=event.text,
        created_at=event.at,
        processing=Processing.PENDING,
        message_type=event.message_type,
        mid=event.mid,
    )
    if state.status is Status.CLOSED:
        # The customer came back. Whoever led before the close leads again.
        status = Status.ACTIVE if state.ai_enabled else Status.SUPPORT_ACTIVE
        state = replace(state, status=status)
    state = replace(
        state,
        questions=(*state.questions, message.id)[-MAX_QUESTIONS:],
        last_customer_at=event.at,
        last_message_id=message.id,
        needs_operator=state.needs_operator or not state.ai_may_answer,
    )
    state, effects = _await_burst(state, event.at + policy.reply_debounce)
    return Decision(state, (message, *effects))


def _await_burst(
    state: Conversation, due_at: datetime
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Set the reply timer anew; an answer being written misses the newest text."""
    if not state.ai_may_answer:
        return state, ()
    state, stopped = _stop_reply(state, "newer_text")
    timer = SetTimer(TimerKind.REPLY, due_at)
    # Setting replaces the row, so the clearing that comes with a stop is left out.
    kept = tuple(effect for effect in stopped if not isinstance(effect, ClearTimer))
    return replace(state, reply=Reply(due_at)), (*kept, timer)


def _stop_reply(
    state: Conversation, reason: str
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Give up the answer to come, whether it waits or is being written."""
    if state.reply is None:
        return state, ()
    effects: tuple[Effect, ...] = (ClearTimer(TimerKind.REPLY),)
    if state.reply.job is not None:
        effects = (
            CancelReply(state.reply.job),
            CountDroppedReply(reason),
            *effects,
        )
    return replace(state, reply=None), effects


def _close_questions(
    state: Conversation, processing: Processing, reason: str = ""
) -> tuple[Conversation, tuple[Effect, ...]]:
    if not state.questions:
        return state, ()
    marked = MarkMessages(state.questions, processing, reason)
    return replace(state, questions=()), (marked,)


def _on_echo(state: Conversation, event: EchoReceived) -> Decision:
    """Tell our own echo from an answer that the owner typed in the app."""
    if event.mid in state.recent_mids:
        return Decision(state)
    settled = settle_echo(state, event)
    if settled is not None:
        return settled
    return _take_over(
        state,
        RecordMessage(
            id=message_id_of(event),
            author=Author.SUPPORT,
            content=event.text,
            created_at=event.at,
            processing=Processing.COMPLETED,
            mid=event.mid,
        ),
    )


def _on_operator_answered(state: Conversation, event: OperatorAnswered) -> Decision:
    message = RecordMessage(
        id=message_id_of(event),
        author=Author.SUPPORT,
        content=event.text,
        created_at=event.at,
        processing=Processing.COMPLETED,
    )
    state, message, sends = enqueue(state, message)
    taken = _take_over(state, message)
    return Decision(taken.state, (*taken.effects, *sends))


def _take_over(state: Conversation, message: RecordMessage) -> Decision:
    """Let a person lead: the AI stays silent until the conversation is redirected."""
    state, stopped = _stop_reply(state, "operator_answered")
    state, closed = _close_questions(state, Processing.COMPLETED)
    state = replace(
        state,
        status=Status.SUPPORT_ACTIVE,
        ai_enabled=False,
        needs_operator=False,
        last_message_id=message.id,
    )
    return Decision(state, (message, *stopped, *closed))


def _on_redirected(
    state: Conversation, event: ConversationRedirected, policy: Policy
) -> Decision:
    if event.destination is Destination.AI:
        state = replace(
            state,
            status=Status.ACTIVE,
            ai_enabled=True,
            department=None,
            needs_operator=False,
        )
        return _answer_what_waits(state, event.at, policy)
    state, stopped = _stop_reply(state, "redirected")
    state = replace(
        state,
        status=Status.SUPPORT_ACTIVE,
        ai_enabled=False,
        department=event.destination,
        needs_operator=True,
    )
    return Decision(state, stopped)


def _answer_what_waits(state: Conversation, at: datetime, policy: Policy) -> Decision:
    """Answer what the customer asked while nobody answered."""
    if not state.questions or state.reply is not None:
        return Decision(state)
    state, effects = _await_burst(state, at + policy.reply_debounce)
    return Decision(state, effects)


def _on_status_set(state: Conversation, event: StatusSet, policy: Policy) -> Decision:
    match event.status:
        case Status.ACTIVE:
            state = replace(state, status=event.status, ai_enabled=True)
            return _answer_what_waits(state, event.at, policy)
        case Status.SUPPORT_ACTIVE | Status.MARKETING_ACTIVE:
            state, stopped = _stop_reply(state, "redirected")
            state = replace(state, status=event.status, ai_enabled=False)
            return Decision(state, stopped)
        case Status.CLOSED:
            state, stopped = _stop_reply(state, "closed")
            state, closed = _close_questions(state, Processing.COMPLETED)
            state = replace(state, status=event.status, needs_operator=False)
            return Decision(state, (*stopped, *closed))
        case _:
            assert_never(event.status)


def _on_reply_due(state: Conversation, event: ReplyFellDue) -> Decision:
    """Start writing. After a crash the timer fires again, and so does the writing."""
    if state.reply is None or state.reply.due_at != event.due_at:
        return Decision(state)  # Set anew, or cleared, after this timer fired.
    job = event.id
    state = replace(state, reply=replace(state.reply, job=job))
    marked = MarkMessages(state.questions, Processing.PROCESSING)
    return Decision(state, (marked, StartReply(job, state.questions)))


def _is_stale(state: Conversation, job: EventId) -> bool:
    return state.reply is None or state.reply.job != job


def _on_reply_written(state: Conversation, event: ReplyWritten) -> Decision:
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
    )
    questions = state.questions
    state, message, sends = enqueue(replace(state, reply=None), message)
    state = replace(state, questions=(), last_message_id=message.id)
    if event.is_handover:
        state = replace(
            state,
            status=Status.SUPPORT_ACTIVE,
            ai_enabled=False,
            department=Destination.SUPPORT,
            needs_operator=True,
            # The customer still waits for a person's answer.
            questions=questions,
        )
    effects: tuple[Effect, ...] = (
        message,
        MarkMessages(questions, Processing.COMPLETED),
        ClearTimer(TimerKind.REPLY),
        *sends,
    )
    return Decision(state, effects)


def _on_reply_failed(state: Conversation, event: ReplyFailed) -> Decision:
    """Keep the questions and call a person: a failed answer never vanishes."""
    if _is_stale(state, event.job):
        return Decision(state)
    state = replace(state, reply=None, needs_operator=True)
    marked = MarkMessages(state.questions, Processing.FAILED, event.reason)
    return Decision(state, (marked, ClearTimer(TimerKind.REPLY)))
