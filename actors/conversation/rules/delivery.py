"""The rules of sending: in order, again on failure, never twice if we can know it."""

from dataclasses import replace
from datetime import datetime
from uuid import uuid5

from actors.conversation.effects import (
    ClearTimer,
    Count,
    Counter,
    Decision,
    DeliverPart,
    Effect,
    RecordMessage,
    RecordSend,
    SetTimer,
)
from actors.conversation.events import (
    PartOutcomeLost,
    PartRefused,
    SendFellDue,
)
from actors.conversation.rules.acknowledgement import find_head, go_on, remember_doubt
from actors.conversation.rules.backoff import pause_after
from actors.conversation.rules.dead_letters import bury
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.reply_window import HUMAN_AGENT, reply_window
from actors.conversation.rules.splitting import split_for
from actors.conversation.state import (
    Author,
    Conversation,
    Delivery,
    Send,
    Source,
    TimerKind,
)
from persistence.ids import SendId

#: Platforms that report what was sent in the shop's name. Elsewhere nobody can tell us
#: whether a lost part arrived, however long we wait.
ECHOING = frozenset({Source.INSTAGRAM})
WINDOW_CLOSED = "the platform takes no answer so long after the customer's last message"
TAKEN_OVER = "a person took over before it was sent"
NO_ECHO = "the platform did not answer; whether it arrived is not known"
IN_DOUBT = "a person took over; whether it arrived is not known"


def enqueue(
    state: Conversation, message: RecordMessage
) -> tuple[Conversation, RecordMessage, tuple[Effect, ...]]:
    """Put a message of ours on its way.

    The website reads what is stored: there the commit is the delivery.
    """
    if state.source is Source.WEBSITE:
        return state, replace(message, delivery=Delivery.SENT), ()
    sends = tuple(
        Send(
            id=SendId(uuid5(message.id, f"part:{part}")),
            message_id=message.id,
            part=part,
            content=content,
            due_at=message.created_at,
            is_ai=message.author is Author.AI,
        )
        for part, content in enumerate(split_for(state.source, message.content))
    )
    effects: list[Effect] = [RecordSend(send) for send in sends]
    if not state.sends and sends:
        effects.append(SetTimer(TimerKind.SEND, sends[0].due_at))
    state = replace(state, sends=(*state.sends, *sends))
    return state, replace(message, delivery=Delivery.QUEUED), tuple(effects)


def on_send_due(state: Conversation, event: SendFellDue, policy: Policy) -> Decision:
    """Send the first part, or judge one that never came back."""
    if not state.sends or state.sends[0].due_at != event.due_at:
        return Decision(state)
    head = state.sends[0]
    if head.delivery is Delivery.SENDING:
        # Its process died with the call under way: did the platform get it?
        return _doubt(state, "the sender stopped", event.at, policy)
    if head.delivery is Delivery.UNKNOWN:
        state = remember_doubt(state, head)
    if head.is_withdrawn:
        return _failed(state, head, IN_DOUBT, event.at)
    if head.attempts >= policy.max_send_attempts:
        return _failed(state, head, NO_ECHO, event.at)
    window = reply_window(state.source, state.last_customer_at)
    tag = ""
    if window is not None and event.at > window.until:
        if head.is_ai or event.at > window.operator_until:
            return _too_late(state, head, event.at)
        tag = HUMAN_AGENT
    sending = replace(
        head,
        delivery=Delivery.SENDING,
        attempts=head.attempts + 1,
        due_at=event.at + policy.send_lease,
    )
    state = replace(state, sends=(sending, *state.sends[1:]))
    return Decision(
        state,
        (
            RecordSend(sending),
            SetTimer(TimerKind.SEND, sending.due_at),
            DeliverPart(sending, tag),
        ),
    )


def on_part_refused(
    state: Conversation, event: PartRefused, policy: Policy
) -> Decision:
    """Try again later; after too many attempts, or a plain no, show it to a person."""
    head = find_head(state, event.send_id)
    if head is None:
        return Decision(state)
    head = replace(
        head,
        # It was not about this message, so it is no failed attempt, however long that
        # lasts.
        attempts=head.attempts - (event.is_held or event.is_limited),
        holds=head.holds + 1 if event.is_held else 0,
        limits=head.limits + 1 if event.is_limited else 0,
    )
    if head.is_withdrawn:
        return _failed(state, head, TAKEN_OVER, event.at)
    if event.permanent or head.attempts >= policy.max_send_attempts:
        return _failed(state, head, event.reason, event.at)
    due_at = event.at + pause_after(head, event, policy)
    queued = replace(head, delivery=Delivery.QUEUED, due_at=due_at)
    return _put_back(state, queued, event.reason)


def on_outcome_lost(
    state: Conversation, event: PartOutcomeLost, policy: Policy
) -> Decision:
    """Wait for the echo, which settles whether the part arrived, where there is one."""
    if find_head(state, event.send_id) is None:
        return Decision(state)
    return _doubt(state, event.reason, event.at, policy)


def withdraw(
    state: Conversation, reason: str, at: datetime
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Take back what the AI wrote and nobody has seen: a person leads now.

    A part under way may have arrived. It is left to its outcome, and not sent again.
    """
    if not any(send.is_ai for send in state.sends):
        return state, ()
    lost = [
        send for send in state.sends if send.is_ai and send.delivery is Delivery.QUEUED
    ]
    kept = tuple(
        replace(send, is_withdrawn=True) if send.is_ai else send
        for send in state.sends
        if send not in lost
    )
    effects: list[Effect] = [
        Count(Counter.AI_REPLIES_DROPPED, reason)
        for _ in {send.message_id for send in lost}
    ]
    state, records = bury(state, lost, TAKEN_OVER)
    effects.extend(records)
    if not kept:
        effects.append(ClearTimer(TimerKind.SEND))
    elif kept[0].delivery is Delivery.QUEUED and kept[0].id != state.sends[0].id:
        kept = (replace(kept[0], due_at=at), *kept[1:])
        effects.append(SetTimer(TimerKind.SEND, at))
    return replace(state, sends=kept), tuple(effects)


def _doubt(state: Conversation, reason: str, at: datetime, policy: Policy) -> Decision:
    head = state.sends[0]
    if state.source not in ECHOING:
        # Twice is worse than late: a person, who can ask, sends it again or not.
        return _failed(state, head, reason, at, Delivery.UNKNOWN)
    doubtful = replace(head, delivery=Delivery.UNKNOWN, due_at=at + policy.echo_timeout)
    return _put_back(state, doubtful, reason)


def _put_back(state: Conversation, send: Send, reason: str) -> Decision:
    state = replace(state, sends=(send, *state.sends[1:]))
    return Decision(
        state,
        (RecordSend(send, error=reason), SetTimer(TimerKind.SEND, send.due_at)),
    )


def _failed(
    state: Conversation,
    head: Send,
    reason: str,
    at: datetime,
    outcome: Delivery = Delivery.FAILED,
) -> Decision:
    """Give the whole message up: its rest would make no sense without this part.

    `outcome` is what became of the part itself: it failed, or nobody knows.
    """
    lost = [send for send in state.sends if send.message_id == head.message_id]
    rest = [send for send in state.sends if send.message_id != head.message_id]
    lost[0] = replace(head, delivery=outcome)
    state, records = bury(state, lost, reason)
    # A person who took over knows of it; any other failure wants one.
    needs_operator = state.needs_operator or not head.is_withdrawn
    return go_on(replace(state, needs_operator=needs_operator), rest, records, at)


def _too_late(state: Conversation, head: Send, at: datetime) -> Decision:
    lost = _failed(state, head, WINDOW_CLOSED, at)
    if not head.is_ai:
        return lost
    counted = Count(Counter.AI_REPLIES_DROPPED, "window_closed")
    return Decision(lost.state, (*lost.effects, counted))
