"""The rules of who leads: an operator, a department, or the AI."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.rules import replies
from actors.conversation.rules.delivery import enqueue, withdraw
from actors.conversation.rules.inbox.fence import check_seen
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.reply_window import check_operator_window
from actors.conversation.rules.send_limits import check_room
from actors.conversation.rules.share import drop_pending
from actors.conversation.rules.splitting import split_for
from actors.conversation.state import (
    Author,
    Conversation,
    Destination,
    Processing,
    Status,
)


def on_operator_answered(
    state: Conversation, event: events.OperatorAnswered
) -> Decision:
    """Send the operator's answer; from now on a person leads.

    Raises:
        WindowClosedError: the platform would not take them any more.
        NewerMessagesError: the operator has not seen the newest messages.
        TooMuchToSendError: too much waits to be sent already.
    """
    check_operator_window(state, event.at)
    check_seen(state, event)
    message = effects.RecordMessage(
        id=events.message_id_of(event),
        author=Author.SUPPORT,
        content=event.text,
        created_at=event.at,
        processing=Processing.COMPLETED,
        position=state.next_position,
    )
    # The AI's queued parts are withdrawn first: they would come too late.
    taken = take_over(state, message, event.at)
    check_room(taken.state, split_for(state.source, event.text))
    state, queued, sends = enqueue(taken.state, message)
    return Decision(state, (queued, *taken.effects[1:], *sends))


def take_over(
    state: Conversation, message: effects.RecordMessage, at: datetime
) -> Decision:
    """Let a person lead: the AI stays silent until a redirect to it."""
    state, stopped = stop_ai(state, "operator_answered", at)
    state, closed = replies.close_questions(state, Processing.COMPLETED)
    state = replace(
        state,
        status=Status.SUPPORT_ACTIVE,
        ai_enabled=False,
        needs_operator=False,
        last_message_id=message.id,
    )
    return Decision(state, (message, *stopped, *closed))


def stop_ai(
    state: Conversation, reason: str, at: datetime
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Stop the AI: its reply, the pending share and its queued parts."""
    state, cancelled = replies.stop_reply(state, reason)
    state, dropped = drop_pending(state)
    state, withdrawn = withdraw(state, reason, at)
    return state, (*cancelled, *dropped, *withdrawn)


def on_redirected(
    state: Conversation, event: events.ConversationRedirected, policy: Policy
) -> Decision:
    """Hand the conversation to a department, or back to the AI."""
    return redirect(state, event.destination, event.at, policy)


def redirect(
    state: Conversation, destination: Destination, at: datetime, policy: Policy
) -> Decision:
    """Redirect the conversation: an operator's order, or a workflow's."""
    old = state.status
    if destination is Destination.AI:
        state = _led_by_ai(state)
        waiting = replies.answer_what_waits(state, at, policy)
        announced = replies.announce_redirect(state, old, destination)
        return Decision(waiting.state, (*waiting.effects, *announced))
    state, stopped = stop_ai(state, "redirected", at)
    state = replace(
        state,
        status=Status.SUPPORT_ACTIVE,
        ai_enabled=False,
        department=destination,
        needs_operator=True,
    )
    return Decision(
        state, (*stopped, *replies.announce_redirect(state, old, destination))
    )


def on_status_set(
    state: Conversation, event: events.StatusSet, policy: Policy
) -> Decision:
    """Set the status that an operator chose."""
    match event.status:
        case Status.ACTIVE:
            return replies.answer_what_waits(_led_by_ai(state), event.at, policy)
        case Status.SUPPORT_ACTIVE | Status.MARKETING_ACTIVE:
            state, stopped = stop_ai(state, "redirected", event.at)
            state = replace(state, status=event.status, ai_enabled=False)
            return Decision(state, stopped)
        case Status.CLOSED:
            state, stopped = stop_ai(state, "closed", event.at)
            state, closed = replies.close_questions(state, Processing.COMPLETED)
            state = replace(state, status=event.status, needs_operator=False)
            return Decision(state, (*stopped, *closed))
        case _:
            assert_never(event.status)


def on_ai_switched(
    state: Conversation, event: events.AiSwitched, policy: Policy
) -> Decision:
    """Turn the AI on or off."""
    return switch_ai(state, event.at, policy, ai_enabled=event.ai_enabled)


def switch_ai(
    state: Conversation, at: datetime, policy: Policy, *, ai_enabled: bool
) -> Decision:
    """Turn the AI on or off: an operator's order, or a workflow's.

    Off, department and status stay as they are, and only people answer. On, the AI
    leads; a closed conversation stays closed, and the AI leads it once the customer
    writes.
    """
    if not ai_enabled:
        state, stopped = stop_ai(state, "switched_off", at)
        waits = bool(state.questions)
        state = replace(
            state, ai_enabled=False, needs_operator=state.needs_operator or waits
        )
        return Decision(state, stopped)
    if state.status is Status.CLOSED:
        return Decision(replace(state, ai_enabled=True, department=None))
    return replies.answer_what_waits(_led_by_ai(state), at, policy)


def _led_by_ai(state: Conversation) -> Conversation:
    return replace(
        state,
        status=Status.ACTIVE,
        ai_enabled=True,
        department=None,
        needs_operator=False,
    )
