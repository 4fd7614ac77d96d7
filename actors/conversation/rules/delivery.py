"""The rules of sending: in order, retried on failure, never knowingly twice.

Theory of operation. A message of ours is split into parts (`Send`). Only the first part
in `state.sends` is ever under way; the next one starts when it is done.

- Sending: `on_send_due` records the part as `sending` and sets its due time to the end
  of a lease (`policy.send_lease`) in the same commit that orders the call. So a call is
  recorded before it is made, and it begins and ends within its lease: after the lease
  no result of it is expected. If the process dies, the timer of the lease fires in the
  next process.
- Fence: a process that lost its shard can't commit (see `persistence/sql/journal.sql`),
  so it starts no call. A call that it had started reports to nobody; its lease ends.
- Result: `PartDelivered` brings the platform's id of the message (`mid`), `PartRefused`
  a no: with a pause and another attempt, or for good. A channel that is paused or at
  its limit (`is_held`, `is_limited`) is no failed attempt.
- Unknown: no result within the lease, or a time-out. The part may have arrived. On a
  platform with echoes it stays `unknown` for `policy.echo_timeout`, is then
  remembered in `state.unconfirmed`, and is sent again; elsewhere the message fails as
  `unknown`, and an operator decides.
- Echo: Instagram reports every message in the shop's name (`rules/echoes.py`). An echo
  is ours if its mid is known, or if it says what the part under way, or an
  unconfirmed one, says. Any other echo is the owner's answer from the app.
- Failure: the whole message becomes a dead letter (`rules/outcomes.py`), since its
  rest would make no sense, and an operator is called.
- Takeover: `withdraw` removes what the AI has queued. A part under way is left to its
  outcome and never sent again.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid5

from actors.backoff import exponential_backoff
from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.rules import outcomes
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

#: Platforms that report what was sent in the shop's name. Elsewhere nothing tells
#: whether a lost part arrived.
ECHOING = frozenset({Source.INSTAGRAM})
WINDOW_CLOSED = "the platform takes no answer so long after the customer's last message"
TAKEN_OVER = "a person took over before it was sent"
NO_ECHO = "the platform did not answer; whether it arrived is not known"
TAKEN_OVER_UNKNOWN = "a person took over; whether it arrived is not known"
#: The pause before a retry: 1 s without an attempt, then 2 s, 4 s, 8 s.
FIRST_PAUSE = timedelta(seconds=1)


def enqueue(
    state: Conversation, message: effects.RecordMessage
) -> tuple[Conversation, effects.RecordMessage, tuple[Effect, ...]]:
    """Split a message of ours into parts, and queue them.

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
            route=state.route,
        )
        for part, content in enumerate(split_for(state.source, message.content))
    )
    queued: list[Effect] = [effects.RecordSend(send) for send in sends]
    if not state.sends and sends:
        queued.append(effects.SetTimer(TimerKind.SEND, sends[0].due_at))
    state = replace(state, sends=(*state.sends, *sends))
    return state, replace(message, delivery=Delivery.QUEUED), tuple(queued)


def on_send_due(
    state: Conversation, event: events.SendFellDue, policy: Policy
) -> Decision:
    """Send the first part, or handle one whose result never came."""
    if not state.sends or state.sends[0].due_at != event.due_at:
        return Decision(state)
    head = state.sends[0]
    if head.delivery is Delivery.SENDING:
        # The lease ended: the process died with the call under way.
        return _outcome_unknown(state, "the sender stopped", event.at, policy)
    if head.delivery is Delivery.UNKNOWN:
        state = outcomes.remember_unconfirmed(state, head)
    if head.is_withdrawn:
        return _failed(state, head, TAKEN_OVER_UNKNOWN, event.at)
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
            effects.RecordSend(sending),
            effects.SetTimer(TimerKind.SEND, sending.due_at),
            effects.DeliverPart(sending, tag),
        ),
    )


def on_part_refused(
    state: Conversation, event: events.PartRefused, policy: Policy
) -> Decision:
    """Retry later; after too many attempts, or a permanent no, call an operator."""
    head = outcomes.find_head(state, event.send_id)
    if head is None:
        return Decision(state)
    head = replace(
        head,
        # The refusal was not about this message, so it is no failed attempt.
        attempts=head.attempts - (event.is_held or event.is_limited),
        holds=head.holds + 1 if event.is_held else 0,
        limits=head.limits + 1 if event.is_limited else 0,
    )
    if head.is_withdrawn:
        return _failed(state, head, TAKEN_OVER, event.at)
    if event.permanent or head.attempts >= policy.max_send_attempts:
        return _failed(state, head, event.reason, event.at)
    due_at = event.at + _pause_after(head, event, policy)
    queued = replace(head, delivery=Delivery.QUEUED, due_at=due_at)
    return _put_back(state, queued, event.reason)


def on_outcome_lost(
    state: Conversation, event: events.PartOutcomeLost, policy: Policy
) -> Decision:
    """Wait for the echo that tells whether the part arrived, where there are echoes."""
    if outcomes.find_head(state, event.send_id) is None:
        return Decision(state)
    return _outcome_unknown(state, event.reason, event.at, policy)


def on_channel_resumed(state: Conversation, event: events.ChannelResumed) -> Decision:
    """Send at once what the channel's pause held back."""
    if not state.sends:
        return Decision(state)
    head = state.sends[0]
    # A pause that the platform itself asked for is kept.
    if head.delivery is not Delivery.QUEUED or not head.holds:
        return Decision(state)
    head = replace(head, holds=0, due_at=event.at)
    state = replace(state, sends=(head, *state.sends[1:]))
    return Decision(state, (effects.SetTimer(TimerKind.SEND, event.at),))


def withdraw(
    state: Conversation, reason: str, at: datetime
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Withdraw the AI's queued parts: a person leads now.

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
    dropped: list[Effect] = [
        effects.Count(effects.Counter.AI_REPLIES_DROPPED, reason)
        for _ in {send.message_id for send in lost}
    ]
    state, records = outcomes.dead_letter(state, lost, TAKEN_OVER)
    dropped.extend(records)
    if not kept:
        dropped.append(effects.ClearTimer(TimerKind.SEND))
    elif kept[0].delivery is Delivery.QUEUED and kept[0].id != state.sends[0].id:
        kept = (replace(kept[0], due_at=at), *kept[1:])
        dropped.append(effects.SetTimer(TimerKind.SEND, at))
    return replace(state, sends=kept), tuple(dropped)


def _outcome_unknown(
    state: Conversation, reason: str, at: datetime, policy: Policy
) -> Decision:
    head = state.sends[0]
    if state.source not in ECHOING:
        # Twice is worse than late: an operator decides whether to send it again.
        return _failed(state, head, reason, at, Delivery.UNKNOWN)
    unknown = replace(head, delivery=Delivery.UNKNOWN, due_at=at + policy.echo_timeout)
    return _put_back(state, unknown, reason)


def _put_back(state: Conversation, send: Send, reason: str) -> Decision:
    state = replace(state, sends=(send, *state.sends[1:]))
    return Decision(
        state,
        (
            effects.RecordSend(send, error=reason),
            effects.SetTimer(TimerKind.SEND, send.due_at),
        ),
    )


def _failed(
    state: Conversation,
    head: Send,
    reason: str,
    at: datetime,
    outcome: Delivery = Delivery.FAILED,
) -> Decision:
    """Fail the whole message: its rest would make no sense without this part.

    `outcome` is the part's own: failed, or unknown.
    """
    lost = [send for send in state.sends if send.message_id == head.message_id]
    rest = [send for send in state.sends if send.message_id != head.message_id]
    lost[0] = replace(head, delivery=outcome)
    state, records = outcomes.dead_letter(state, lost, reason)
    # A person who took over knows of it; any other failure calls an operator.
    needs_operator = state.needs_operator or not head.is_withdrawn
    return outcomes.continue_with(
        replace(state, needs_operator=needs_operator), rest, records, at
    )


def _too_late(state: Conversation, head: Send, at: datetime) -> Decision:
    lost = _failed(state, head, WINDOW_CLOSED, at)
    if not head.is_ai:
        return lost
    counted = effects.Count(effects.Counter.AI_REPLIES_DROPPED, "window_closed")
    return Decision(lost.state, (*lost.effects, counted))


def _pause_after(send: Send, event: events.PartRefused, policy: Policy) -> timedelta:
    """Return the pause before the next attempt of a refused part.

    A channel may be paused for days, or at its limit for an hour, and each attempt is
    an event of each of its conversations: so these pauses double as well.
    """
    if event.retry_after is None:
        return exponential_backoff(send.attempts + 1, FIRST_PAUSE, policy.max_backoff)
    if not (event.is_held or event.is_limited):
        return event.retry_after
    longest = max(policy.max_backoff, event.retry_after)
    return exponential_backoff(send.holds + send.limits, event.retry_after, longest)
