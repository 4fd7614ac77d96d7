"""Notes what the inbox needs to know of each event, whatever its own rule did."""

from dataclasses import replace
from datetime import datetime

from actors.conversation.effects import Decision
from actors.conversation.events import Event
from actors.conversation.inbox_state import InboxState
from actors.conversation.rules.inbox.arranging import wake_for_news
from actors.conversation.rules.inbox.fence import note_message, note_messages
from actors.conversation.state import Conversation


def note(decision: Decision, event: Event) -> Decision:
    """Return the decision with the inbox's part of the state brought up to date."""
    decision = wake_for_news(decision)
    state = decision.state
    inbox = note_messages(state.inbox, decision.effects, event)
    inbox = note_waiting(inbox, state, event.at)
    if inbox is state.inbox:
        return decision
    return Decision(replace(state, inbox=inbox), decision.effects)


def note_question(inbox: InboxState, position: int, at: datetime) -> InboxState:
    """Return what `note` will find of a customer's question.

    Where thousands come a second, their rule copies the state once, with this in it.
    """
    inbox = note_message(inbox, position)
    return inbox if inbox.waiting_since else replace(inbox, waiting_since=at)


def note_waiting(inbox: InboxState, state: Conversation, at: datetime) -> InboxState:
    """Note when the customer began to wait, or that nobody waits any more.

    A customer waits from the first unanswered message on, and from the moment at which
    a person is needed: what failed or was handed over is no answer.
    """
    waits = bool(state.questions) or state.needs_operator
    if waits == (inbox.waiting_since is not None):
        return inbox
    return replace(inbox, waiting_since=at if waits else None)
